"""What is in an image, what made it big, and whether something is out of place there. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mldeploy.images.recipe import MODEL
from mldeploy.ui import table

LARGE_BASE = 400_000_000  # bytes; the slim official images have 120 to 200 MB
LARGE_MODEL = 300_000_000
LARGE_CODE = 20_000_000
LARGE_TESTS = 20_000_000
TRAINING = (
    "mlflow", "mlflow-skinny", "pandas", "scikit-learn", "scipy", "skops", "torch", "tensorflow",
    "xgboost", "lightgbm", "catboost", "onnx", "skl2onnx", "matplotlib", "pandera", "jupyter",
)  # fmt: skip
CUDA = re.compile(r"nvidia-.*(cu\d\d|cuda|cudnn|cublas|nccl)|triton|cuda-.*|onnxruntime-gpu")
LAYERS = ("base", "dependencies", "model", "code")
SHOWN = 6


@dataclass(frozen=True)
class Package:
    """An installed package; ``tests`` are the bytes of it that are its own tests."""

    name: str
    version: str
    size: int
    tests: int = 0


@dataclass(frozen=True)
class Seen:
    """What was measured of an image, in bytes: its layers, and the files inside by their names."""

    image: str
    release: str
    base: str
    layers: Mapping[str, int]
    packages: Sequence[Package]
    model: Mapping[str, int]
    code: Mapping[str, int]

    @property
    def size(self) -> int:
        return sum(self.layers.values())


@dataclass(frozen=True)
class Finding:
    """Something out of place, the bytes that it costs, and what to do about it."""

    code: str
    what: str
    size: int
    do: str


def layer_of(created_by: str) -> str:
    """Which of our layers an instruction of an image's history made; both builders write it so."""
    if "/build/uv" in created_by:
        return "dependencies"
    found = re.search(r"COPY .*?(?:in )?(/\S*)\s*(?:# buildkit)?$", created_by.strip())
    place = found[1].rstrip("/") if found else ""
    if place in ("/opt/venv", "/etc", "/build"):
        return "dependencies"
    return {f"/app/{MODEL}": "model", "/app": "code"}.get(place, "base")


def layers_of(history: Sequence[tuple[str, int]]) -> dict[str, int]:
    """Bytes by layer, of (instruction, bytes) in any order."""
    total = dict.fromkeys(LAYERS, 0)
    for created_by, size in history:
        total[layer_of(created_by)] += size
    return total


def findings(seen: Seen) -> list[Finding]:
    """What is out of place, the largest first."""
    found = [*_cuda(seen), *_training(seen), *_tests(seen), *_files(seen), *_base(seen)]
    return sorted(found, key=lambda one: -one.size)


def _cuda(seen: Seen) -> list[Finding]:
    packages = [
        one
        for one in seen.packages
        if CUDA.fullmatch(one.name) or (one.name == "torch" and "+cu" in one.version)
    ]
    if not packages:
        return []
    torch = any(one.name == "torch" for one in seen.packages)
    build = "CUDA build of torch" if torch else "packages for NVIDIA's graphics cards"
    do = "name the same packages without CUDA in the group `serve`, then: uv lock"
    if torch:
        do = "uv remove --group serve torch"
        if not _is_onnx(seen):
            do = "take torch from PyTorch's own index `cpu` (docs/frameworks.md), then: uv lock"
    return [_one("cuda", f"{build} on a CPU target", packages, do)]


def _training(seen: Seen) -> list[Finding]:
    if not _is_onnx(seen):
        return []
    packages = [one for one in seen.packages if one.name in TRAINING]
    if not packages:
        return []
    names = " ".join(one.name for one in packages)
    what = "libraries for training, though the model is an ONNX file"
    do = f"uv remove --group serve {names}     (if nothing of the service imports them)"
    return [_one("training-libraries", what, packages, do)]


def _tests(seen: Seen) -> list[Finding]:
    size = sum(one.tests for one in seen.packages)
    if size < LARGE_TESTS:
        return []
    largest = max(seen.packages, key=lambda one: one.tests)
    what = f"tests that packages bring along, most of them {largest.name}'s"
    do = "nothing that is worth it: they come with the wheels, and are never loaded"
    return [Finding("tests", what, size, do)]


def _files(seen: Seen) -> list[Finding]:
    found = []
    if (size := sum(seen.model.values())) > LARGE_MODEL:
        do = "fewer or smaller trees or layers; a network also as 16-bit or 8-bit ONNX"
        what = f"a large model: each replica holds it in memory ({_largest(seen.model)})"
        found.append(Finding("large-model", what, size, do))
    if (size := sum(seen.code.values())) > LARGE_CODE:
        do = "move it out of src/, or let .gitignore name it: what git leaves out stays out"
        what = f"something large beside the code: {_largest(seen.code)}"
        found.append(Finding("large-code", what, size, do))
    return found


def _base(seen: Seen) -> list[Finding]:
    size = seen.layers["base"]
    if size <= LARGE_BASE:
        return []
    do = 'name a slim one in mldeploy.toml: base = "python:3.12-slim-bookworm"'
    return [Finding("large-base", f"a large base image: {seen.base}", size, do)]


def _one(code: str, what: str, packages: Sequence[Package], do: str) -> Finding:
    names = ", ".join(one.name for one in sorted(packages, key=lambda one: -one.size)[:4])
    more = f" and {len(packages) - 4} more" if len(packages) > 4 else ""
    return Finding(code, f"{what}: {names}{more}", sum(one.size for one in packages), do)


def _is_onnx(seen: Seen) -> bool:
    return any(name.endswith(".onnx") for name in seen.model)


def _largest(files: Mapping[str, int]) -> str:
    name = max(files, key=lambda one: files[one])
    return f"{name} has {megabytes(files[name])}"


def megabytes(size: int) -> str:
    """In thousands, as disks count; small things in kB, so that none is 0.0."""
    if size >= 1_000_000_000:
        return f"{size / 1e9:.2f} GB"
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"


def parts_of(seen: Seen) -> dict[str, list[tuple[str, int]]]:
    """What each layer is made of, the largest part first."""
    parts = {
        "base": [(seen.base, seen.layers["base"])],
        "dependencies": [(f"{one.name} {one.version}", one.size) for one in seen.packages],
        "model": list(seen.model.items()),
        "code": list(seen.code.items()),
    }
    return {name: sorted(made, key=lambda part: -part[1]) for name, made in parts.items()}


def as_dict(seen: Seen) -> dict[str, object]:
    parts = parts_of(seen)
    return {
        "image": seen.image,
        "release": seen.release,
        "bytes": seen.size,
        "layers": [
            {
                "layer": name,
                "bytes": seen.layers[name],
                "parts": [{"name": part, "bytes": size} for part, size in parts[name]],
            }
            for name in LAYERS
        ],
        "findings": [
            {"code": one.code, "what": one.what, "bytes": one.size, "do": one.do}
            for one in findings(seen)
        ],
    }


def as_text(seen: Seen) -> str:
    parts = parts_of(seen)
    rows = []
    for name in LAYERS:
        shown = ", ".join(f"{part} {megabytes(size)}" for part, size in parts[name][:SHOWN])
        more = f", {len(parts[name]) - SHOWN} more" if len(parts[name]) > SHOWN else ""
        rows.append([name, megabytes(seen.layers[name]), shown + more])
    rows.append(["all", megabytes(seen.size), ""])
    lines = [seen.image, "", table(["LAYER", "SIZE", "MADE OF"], rows), ""]
    for one in findings(seen):
        lines += [f"{megabytes(one.size):>9}  {one.what}", f"           do: {one.do}"]
    if not findings(seen):
        lines.append("nothing here is out of place")
    return "\n".join(lines)
