"""The lab's engine from its start to its end, on what looks to it like a machine without one.

Namespaces of its own for mounts, network and processes: its dockerd meets nobody else's, and ends
with the test whatever happens. There is no network, so the images come out of a file.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import CHECKOUT
from tests.lab.images import MAKERS
from tests.lab.packages import is_there

if TYPE_CHECKING:
    import docker

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root"),
    pytest.mark.skipif(not is_there("dockerd"), reason="no dockerd on this machine"),
]

A_MACHINE = """\
set -eu
mount --make-rprivate /
ip link set lo up
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib/docker
lab() { "$PYTHON" -m tests.lab "$@"; }
main() { "$PYTHON" -c "from tests.lab.engine import MAIN; $1"; }
ours() { main "found = MAIN.process(); print(found and found.pid)"; }
load_images() { for tar in "$IMAGES"/*; do docker load --input "$tar"; done > /dev/null; }
"""


@pytest.fixture(scope="module")
def saved_images(
    docker_client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("images")
    for number, name in enumerate(MAKERS):
        with (folder / f"{number}.tar").open("wb") as tar:
            tar.writelines(docker_client.images.get(name).save(named=name))
    yield folder
    shutil.rmtree(folder)  # pytest would keep it for three runs


def on_a_machine_without_docker(script: str, home: Path, images: Path) -> list[str]:
    """The lines that ``script`` prints there; it must succeed."""
    alone = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    environment = {"HOME": str(home), "PYTHON": sys.executable, "IMAGES": str(images)}
    done = subprocess.run(
        [*alone, "bash", "-c", A_MACHINE + script],
        cwd=CHECKOUT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_it_starts_survives_a_crash_and_a_reboot_and_ends(
    tmp_path: Path, saved_images: Path
) -> None:
    script = """\
main "MAIN.start()"
load_images
echo "again: $(lab engine --print-pid)"

kill -9 "$(ours)"
sleep 60 & somebody=$!
first=$(lab engine --print-pid)
test "$first" = "$(ours)" && echo "a crash: started anew"

lab down > /dev/null
for left in docker.pid docker/containerd/containerd.pid; do echo $somebody > /run/$left; done
second=$(lab engine --print-pid)
test "$second" = "$(ours)" && echo "stale pid files: started anew"

echo "another pid: $(lab down --pid $somebody)"
echo "its own: $(lab down --pid "$second" | sed 's/[0-9]*$/N/')"
lab status || echo "status: $?"
kill -0 $somebody && echo "somebody lives"
"""
    assert on_a_machine_without_docker(script, tmp_path, saved_images) == [
        "again: ",
        "a crash: started anew",
        "stale pid files: started anew",
        "another pid: no engine that the lab started",
        "its own: ended dockerd, pid N",
        "engine  nothing answers",
        "start   python -m tests.lab engine",
        "status: 1",
        "somebody lives",
    ]


def test_an_engine_of_somebody_else_is_used_and_never_ended(
    tmp_path: Path, saved_images: Path
) -> None:
    script = """\
dockerd > /dev/null 2>&1 &
somebody=$!
for i in $(seq 100); do docker info > /dev/null 2>&1 && break; sleep 0.1; done
load_images
echo "started: $(lab engine --print-pid)"
lab down
kill -0 $somebody && echo "it lives"
docker info > /dev/null && echo "it answers"
"""
    assert on_a_machine_without_docker(script, tmp_path, saved_images) == [
        "started: ",
        "no engine that the lab started",
        "it lives",
        "it answers",
    ]


def test_a_start_that_fails_half_way_leaves_no_engine(tmp_path: Path, saved_images: Path) -> None:
    """Without a network there are no packages, so there is no base image."""
    script = """\
lab engine --print-pid 2> "$HOME/said" || echo "code $?"
grep -c "nothing of it was kept" "$HOME/said"
ours
lab status | head -n 1
"""
    assert on_a_machine_without_docker(script, tmp_path, saved_images) == [
        "code 1",
        "1",
        "None",
        "engine  nothing answers",
    ]
