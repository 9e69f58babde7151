"""When is an image made again?"""

from __future__ import annotations

from tests.lab.images import LABEL, fingerprint, is_current
from tests.lab.machine import Machine


def test_an_image_that_is_not_there_is_made() -> None:
    assert not is_current(None, "recipe")


def test_an_image_of_another_recipe_is_made_again() -> None:
    assert is_current({LABEL: "recipe"}, "recipe")
    assert not is_current({LABEL: "older"}, "recipe")


def test_the_official_image_is_used_as_it_is() -> None:
    assert is_current({}, "recipe")


def test_other_settings_of_the_machine_make_another_image() -> None:
    assert fingerprint("recipe", Machine({"A": "1"})) != fingerprint("recipe", Machine({"A": "2"}))
    assert fingerprint("recipe", Machine({})) != fingerprint("other", Machine({}))
