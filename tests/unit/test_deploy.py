"""The point of no return: Ctrl+C waits until the switch is over."""

from __future__ import annotations

import os
import signal

import pytest

from mldeploy import deploy
from mldeploy.errors import Interrupted


def press_ctrl_c_in_a_switch(done: list[str], failing: bool = False) -> None:
    with deploy._point_of_no_return("v2-x"):
        os.kill(os.getpid(), signal.SIGINT)
        if failing:
            raise LookupError
        done.append("the switch")


def test_ctrl_c_in_a_switch_waits_until_it_is_over() -> None:
    done: list[str] = []

    with pytest.raises(Interrupted) as caught:
        press_ctrl_c_in_a_switch(done)

    assert done == ["the switch"]
    assert "v2-x serves" in str(caught.value)


def test_afterwards_ctrl_c_is_itself_again() -> None:
    before = signal.getsignal(signal.SIGINT)

    with deploy._point_of_no_return("v2-x"):
        pass

    assert signal.getsignal(signal.SIGINT) is before


def test_a_switch_that_fails_says_so_and_not_that_it_was_interrupted() -> None:
    with pytest.raises(LookupError):
        press_ctrl_c_in_a_switch([], failing=True)
