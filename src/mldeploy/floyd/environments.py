"""FloydHub's environments, and the image of today that comes nearest. Pure.

Their own images are of 2016 to 2020 and are looked after by nobody. A family, such as pytorch-1.4,
becomes its current official image: what was written for an old version may have to be changed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mldeploy.floyd.refusals import nearest, refused

PYTORCH = "pytorch/pytorch:2.9.1-cuda12.8-cudnn9-runtime"
TENSORFLOW = "tensorflow/tensorflow:2.19.0"
DEFAULT = "default"  # what `floyd run` took without --env: TensorFlow, of the version of the day

SINCE_TENSORFLOW_1 = "the calls of TensorFlow 1 are in tensorflow.compat.v1"
SINCE_PYTORCH_0 = "Variable and volatile are gone, losses are read with .item()"

# Without an image of today: why, and what people went to.
GONE = {
    "theano": "Theano ended in 2017; PyTensor goes on with it, Keras runs on TensorFlow or PyTorch",
    "caffe": "Caffe ended in 2017; its models are read by OpenCV, and retrained in PyTorch",
    "torch": "that is the Torch of Lua, which ended in 2017; PyTorch is what came of it",
    "chainer": "Chainer ended in 2019; its makers went to PyTorch",
    "mxnet": "Apache ended MXNet in 2023; PyTorch is what its users went to",
    "kur": "Kur ended in 2017; what it described is written in Keras or PyTorch",
}
FAMILIES = ("pytorch", "tensorflow", "keras", DEFAULT)


@dataclass(frozen=True)
class Environment:
    """The image to build on, and what a person should know of the way there."""

    image: str
    note: str


def environment(env: str, *, gpu: bool, place: str, task: str) -> Environment:
    """Raises :class:`ConfigError` where there is no image of today; ``place`` is for that."""
    found = re.fullmatch(r"([a-z_]+)(?:-(\d+(?:\.\d+)*))?(?::(py\d))?", env)
    family, version, python = found.groups() if found else ("", None, None)
    do = f"mldeploy import … --base IMAGE     (for all tasks; to leave {task} out: --task OTHER)"
    if python == "py2":
        raise refused(
            place,
            f"{env} is Python 2.",
            "Python 2 ended in 2020: neither it nor a library for it is mended any more, and no "
            "image has it together with a driver for the GPUs of today.",
            f"2to3 -w .     (makes Python 3 of the code); then: env: {env.removesuffix(':py2')}",
        )
    if family in GONE:
        raise refused(place, f"There is no image of {env} any more.", f"{GONE[family]}.", do)
    if family not in FAMILIES:
        like = nearest(env, [*FAMILIES, *GONE])
        hint = f"; did you mean {like}?" if like else "."
        raise refused(
            place,
            f"{env!r} is no environment that FloydHub had{hint}",
            f"Known are {', '.join(FAMILIES)}, with a version such as pytorch-1.4.",
            do,
        )
    if family == "pytorch":
        old = (version or "1").startswith("0")
        return Environment(PYTORCH, SINCE_PYTORCH_0 if old else "")
    image = f"{TENSORFLOW}-gpu" if gpu else TENSORFLOW
    if family == DEFAULT:
        return Environment(image, "without --env FloydHub took TensorFlow; another: --base IMAGE")
    first = (version or "1").startswith(("0", "1"))
    return Environment(image, SINCE_TENSORFLOW_1 if first else "")
