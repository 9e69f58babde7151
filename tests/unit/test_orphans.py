"""Which things belong together, and which of them nobody looks after any more."""

from __future__ import annotations

from mldeploy.orphans import Group, Thing, grouped


def thing(
    kind: str, name: str, *, target: str = "box", running: bool = False, **more: str
) -> Thing:
    labels = {"mldeploy.project": "docs", "mldeploy.target": target}
    return Thing(kind, name, labels | {f"mldeploy.{key}": v for key, v in more.items()}, running)


def group(*things: Thing, there: tuple[str, ...] = ()) -> list[Group]:
    return grouped(things, folder_is_there=lambda folder, _: folder in there, here="me")


def test_things_of_one_target_are_one_group() -> None:
    found = group(
        thing("container", "edge", folder="/docs", host="me"),
        thing("volume", "v", folder="/docs", host="me"),
        thing("container", "r", target="other", running=True, release="v1", folder="/d", host="me"),
        there=("/docs", "/d"),
    )

    assert [(g.target, len(g.things), g.release) for g in found] == [
        ("box", 2, ""),
        ("other", 1, "v1"),
    ]
    assert [g.abandoned for g in found] == ["", ""]


def test_a_folder_of_this_laptop_that_is_gone_abandons_its_target() -> None:
    (found,) = group(thing("container", "r", folder="/gone", host="me"))

    assert "deleted" in found.abandoned
    assert found.folder == "/gone"


def test_a_folder_of_another_laptop_can_not_be_seen_and_is_not_doubted() -> None:
    (found,) = group(thing("container", "r", folder="/gone", host="you"))

    assert found.abandoned == ""


def test_one_living_checkout_is_enough() -> None:
    (found,) = group(
        thing("container", "edge", folder="/gone", host="me"),
        thing("container", "r", folder="/here", host="me"),
        there=("/here",),
    )

    assert found.abandoned == ""
    assert found.folder == "/here"


def test_images_that_all_targets_share_are_no_targets() -> None:
    shared = Thing("image", "mldeploy-dependencies:1", {"mldeploy.role": "dependencies"})

    assert group(shared) == []


def test_as_json_it_tells_what_runs() -> None:
    (found,) = group(
        thing("container", "r1", running=True, release="v2", folder="/gone", host="me"),
        thing("container", "edge", folder="/gone", host="me"),
    )

    told = found.as_dict()
    assert (told["running"], told["release"]) == (1, "v2")
    assert told["things"] == ["container r1", "container edge"]
