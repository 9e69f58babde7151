"""FloydHub's four machines, and what is rented today in the place of each. Pure.

Proposals, for a person to change: about the same cores, and a GPU of a later make.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mldeploy.floyd.asked import Machine


@dataclass(frozen=True)
class Size:
    """``was`` is the machine in FloydHub's words; ``types`` a machine_type for each kind."""

    was: str
    gpu: bool
    types: Mapping[str, str]


SIZES: Mapping[Machine, Size] = {
    "cpu": Size("2 cores", False, {"aws": "t3.medium", "paperspace": "C5"}),
    "cpu2": Size("8 cores", False, {"aws": "c7i.2xlarge", "paperspace": "C7"}),
    "gpu": Size("a Tesla K80", True, {"aws": "g4dn.xlarge", "paperspace": "P4000"}),
    "gpu2": Size("a Tesla V100", True, {"aws": "g5.xlarge", "paperspace": "A4000"}),
}
KINDS = {"aws": "AWS", "paperspace": "Paperspace"}
