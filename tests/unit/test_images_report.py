"""The report of an image: which layer is which, what is out of place, how it reads."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mldeploy.images.report import (
    Package,
    Seen,
    as_dict,
    as_text,
    findings,
    layer_of,
    layers_of,
    megabytes,
)

GOOD = Seen(
    image="mldeploy-docs-docker:v1",
    release="v1",
    base="python:3.11-slim-bookworm",
    layers={"base": 130_000_000, "dependencies": 240_000_000, "model": 86_000, "code": 375_000},
    packages=[
        Package("onnxruntime", "1.32.0", 80_000_000),
        Package("numpy", "2.4.6", 70_000_000, tests=9_000_000),
        Package("nvidia-ml-py", "13.6", 500_000),  # BentoML asks it whether there is a card
    ],
    model={"model.onnx": 64_000, "model.json": 17_000},
    code={"bento/src/docs/service.py": 2_000},
)


@pytest.mark.parametrize(
    ("created_by", "layer"),
    [
        ("/bin/sh -c #(nop) COPY dir:5db9c46736eb in /opt/venv ", "dependencies"),
        ("/bin/sh -c #(nop) COPY multi:418da59a in /etc/ ", "dependencies"),
        ("/bin/sh -c #(nop) COPY dir:be08 in /app/bento/src/models/champion/ ", "model"),
        ("/bin/sh -c #(nop) COPY dir:9f76 in /app/ ", "code"),
        ("COPY /opt/venv /opt/venv # buildkit", "dependencies"),
        ("/bin/sh -c python3 -m pip install --target /build/uv && touch /etc", "dependencies"),
        ("RUN /bin/sh -c python3 -m pip install --target /build/uv # buildkit", "dependencies"),
        ("COPY uv.txt requirements.txt /build/ # buildkit", "dependencies"),
        ("COPY /etc/passwd /etc/group /etc/ # buildkit", "dependencies"),
        ("COPY model/ /app/bento/src/models/champion/ # buildkit", "model"),
        ("COPY app/ /app/ # buildkit", "code"),
        ("/bin/sh -c #(nop) WORKDIR /app", "base"),
        ("/bin/sh -c apt-get update; apt-get install ca-certificates", "base"),
        ("", "base"),
    ],
)
def test_the_layers_of_both_builders_are_known_again(created_by: str, layer: str) -> None:
    assert layer_of(created_by) == layer


def test_layers_add_up() -> None:
    history = [("COPY app/ /app/ # buildkit", 3), ("", 100), ("/bin/sh -c apt-get", 20)]

    assert layers_of(history) == {"base": 120, "dependencies": 0, "model": 0, "code": 3}


def test_an_image_as_it_should_be_has_no_finding() -> None:
    assert findings(GOOD) == []
    assert as_text(GOOD).endswith("nothing here is out of place")


def codes(seen: Seen) -> list[str]:
    return [one.code for one in findings(seen)]


def test_cuda_on_a_cpu_target_is_told_with_what_it_costs() -> None:
    torch = [
        Package("torch", "2.9.0", 900_000_000),
        Package("nvidia-cudnn-cu12", "9.1", 1_000_000_000),
        Package("nvidia-cublas-cu12", "12.1", 800_000_000),
        Package("triton", "3.5", 400_000_000),
    ]

    found = findings(replace(GOOD, packages=[*GOOD.packages, *torch]))

    (cuda,) = [one for one in found if one.code == "cuda"]
    assert cuda.size == 2_200_000_000
    assert cuda.what.startswith("CUDA build of torch on a CPU target: nvidia-cudnn-cu12")
    assert cuda.do == "uv remove --group serve torch"  # the model is ONNX: it needs none


def test_a_model_that_needs_torch_is_told_where_the_one_for_cpus_is() -> None:
    torch = [Package("torch", "2.9.0+cu128", 2_000_000_000)]
    seen = replace(GOOD, packages=torch, model={"model.pt": 1000})

    (cuda,) = findings(seen)

    assert "index `cpu`" in cuda.do


def test_training_libraries_beside_an_onnx_file_are_out_of_place() -> None:
    packages = [Package("mlflow", "3.1", 30_000_000), Package("pandas", "3.0", 60_000_000)]

    (one,) = findings(replace(GOOD, packages=packages))

    assert one.code == "training-libraries"
    assert one.size == 90_000_000
    assert "uv remove --group serve mlflow pandas" in one.do


def test_scikit_learn_is_in_place_where_the_model_is_not_onnx() -> None:
    packages = [Package("scikit-learn", "1.8", 40_000_000)]

    assert codes(replace(GOOD, packages=packages, model={"model.skops": 1000})) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"model": {"model.onnx": 400_000_000}}, "large-model"),
        ({"code": {"bento/src/docs/rows.parquet": 30_000_000}}, "large-code"),
        ({"layers": {**GOOD.layers, "base": 1_000_000_000}}, "large-base"),
        ({"packages": [Package("numpy", "2", 90_000_000, tests=25_000_000)]}, "tests"),
    ],
)
def test_what_is_large_is_named(change: dict[str, object], code: str) -> None:
    assert codes(replace(GOOD, **change)) == [code]  # type: ignore[arg-type]  # fields of Seen


def test_the_costliest_comes_first_and_everything_has_a_remedy() -> None:
    seen = replace(
        GOOD,
        layers={**GOOD.layers, "base": 1_000_000_000},
        packages=[Package("mlflow", "3.1", 30_000_000)],
    )

    found = findings(seen)

    assert [one.code for one in found] == ["large-base", "training-libraries"]
    assert all(one.do for one in found)


def test_the_report_for_programs_has_bytes() -> None:
    told = as_dict(GOOD)

    assert told["bytes"] == GOOD.size
    layers = told["layers"]
    assert isinstance(layers, list)
    assert [one["layer"] for one in layers] == ["base", "dependencies", "model", "code"]
    assert layers[1]["parts"][0] == {"name": "onnxruntime 1.32.0", "bytes": 80_000_000}


@pytest.mark.parametrize(
    ("size", "said"),
    [(0, "0.0 kB"), (1_234, "1.2 kB"), (375_000, "0.4 MB"), (2_200_000_000, "2.20 GB")],
)
def test_sizes_are_read_at_a_glance(size: int, said: str) -> None:
    assert megabytes(size) == said
