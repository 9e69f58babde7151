"""Images on the real engine: what is built when, what is left by a build that fails or is ended,
and what the image of a real project holds and does."""

from __future__ import annotations

import os
import re
import secrets
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mldeploy.errors import MldeployError
from mldeploy.images import build, buildkit, context
from mldeploy.images.build import ensure, files_of
from mldeploy.images.ingredients import INSTALLER
from mldeploy.images.output import Output
from mldeploy.images.recipe import BUILD, File, Ingredients, steps
from mldeploy.ui import Ui
from tests.engines import image_index
from tests.engines.image_index import Index
from tests.unit.test_images_recipe import RELEASE

if TYPE_CHECKING:
    import docker

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.network,
    pytest.mark.timeout(600),
]

UNWANTED = ("uv", "gcc", "cc", ".cache", "requirements.txt")
PLACES = ("/opt", "/app", "/root", "/bin/", "/usr/local")
BASE = "python:3.11-slim-bookworm"


@pytest.fixture(scope="module")
def packages(docker_client: docker.DockerClient) -> Iterator[Index]:
    """A package index where the containers of a build find it."""
    network = docker_client.networks.get("bridge").attrs["IPAM"]["Config"][0]["Subnet"]
    with image_index.index(str(next(ip_network(network).hosts()))) as served:
        yield served


@pytest.fixture
def asked_there(packages: Index, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    monkeypatch.setenv("UV_INDEX", packages.url)
    packages.asked.clear()
    yield packages
    packages.given.set()


def made_up(name: str, requirements: str, *, private: bool = False) -> Ingredients:
    return Ingredients(
        release=RELEASE,
        project=name,
        target="docker",
        base=BASE,
        requirements=requirements,
        installer=INSTALLER.read_text(),
        model=(File("model.onnx", os.urandom(1000), secrets.token_hex(32)),),
        code=(
            File("bento/src/code.py", b"import tiny\nprint(tiny.ANSWER)\n"),
            File("server/serve_replica.py", b"", secrets.token_hex(32)),
        ),
        private_index=private,
    )


def fresh_lock(of: Index | None = None) -> str:
    """A lock that no image was made of before: by the package's address in ``of``, or by name."""
    lock = image_index.requirements(without_password(of.url) if of else "")
    return lock + f"# {secrets.token_hex(8)}\n"


def without_password(url: str) -> str:
    return re.sub(r"//.*@", "//", url)


@pytest.fixture(scope="module")
def small(docker_client: docker.DockerClient, packages: Index) -> Iterator[Ingredients]:
    """The images of a tiny project, built."""
    of = made_up(f"images-{secrets.token_hex(4)}", fresh_lock(packages))
    assert ensure(docker_client, steps(of), Ui()).made == ("dependencies", "model", "image")
    yield of
    forget(docker_client, of)


def forget(client: docker.DockerClient, of: Ingredients) -> None:
    """Remove the images of these ingredients, and of others that stand on them."""
    wanted = [client.images.list(filters={"label": f"mldeploy.project={of.project}"})]
    wanted += [client.images.list(name=step.tag) for step in reversed(steps(of)[:2])]
    for image in [each for found in wanted for each in found]:
        for tag in image.tags:
            client.images.remove(tag, force=True)


def layers(client: docker.DockerClient, tag: str) -> list[str]:
    found: list[str] = client.images.get(tag).attrs["RootFS"]["Layers"]
    return found


def run(client: docker.DockerClient, tag: str, *words: str, user: str | None = None) -> str:
    said: bytes = client.containers.run(
        tag,
        list(words),
        user=user,
        remove=True,
        read_only=True,
        network_mode="none",
        cap_drop=[] if user else ["ALL"],
    )
    return said.decode()


# What is built when


def test_what_is_there_is_not_built_again(
    docker_client: docker.DockerClient, small: Ingredients
) -> None:
    assert ensure(docker_client, steps(small), Ui()).made == ()


def test_new_code_builds_one_image_and_one_layer(
    docker_client: docker.DockerClient, small: Ingredients
) -> None:
    release = replace(RELEASE, name="v3-def5678-c0de00", digest="c0de")
    code = (File("bento/src/code.py", b"print('new')\n"), *small.code[1:])
    changed = replace(small, release=release, code=code)

    built = ensure(docker_client, steps(changed), Ui())

    assert built.made == ("image",)
    before, after = (layers(docker_client, steps(each)[2].tag) for each in (small, changed))
    assert after[:-1] == before[:-1]
    assert after[-1] != before[-1]
    assert "new" in run(docker_client, built.tag, "python", "/app/bento/src/code.py")


def test_a_new_model_is_copied_and_nothing_installed(
    docker_client: docker.DockerClient, small: Ingredients
) -> None:
    changed = replace(
        small,
        release=replace(RELEASE, name="v4-abc1234-000de1", digest="de1"),
        model=(File("model.onnx", b"another", secrets.token_hex(32)),),
    )

    built = ensure(docker_client, steps(changed), Ui())

    assert built.made == ("model", "image")
    same = layers(docker_client, steps(small)[0].tag)
    assert layers(docker_client, built.tag)[: len(same)] == same
    docker_client.images.remove(built.tag)
    docker_client.images.remove(steps(changed)[1].tag)


def test_another_version_of_our_scripts_builds_the_release_again(
    docker_client: docker.DockerClient, small: Ingredients
) -> None:
    script = File("server/serve_replica.py", b"# newer", secrets.token_hex(32))
    newer = replace(small, code=(small.code[0], script))

    assert ensure(docker_client, steps(newer), Ui()).made == ("image",)
    assert ensure(docker_client, steps(newer), Ui()).made == ()
    assert ensure(docker_client, steps(small), Ui()).made == ("image",)


# What is in it, and what is left over


def test_it_runs_as_nobody_and_holds_no_installer(
    docker_client: docker.DockerClient, small: Ingredients
) -> None:
    tag = steps(small)[2].tag

    assert run(docker_client, tag, "python", "/app/bento/src/code.py") == "42\n"
    assert run(docker_client, tag, "id").startswith("uid=10001(app) gid=10001(app)")
    named = [word for name in UNWANTED for word in ("-name", name, "-o")][:-1]
    assert run(docker_client, tag, "find", *PLACES, *named, user="0") == ""


def test_bytecode_is_there_and_does_not_ask_for_its_source(
    docker_client: docker.DockerClient, small: Ingredients
) -> None:
    show = (
        "import importlib.util, tiny;"
        "raw = open(importlib.util.cache_from_source(tiny.__file__), 'rb').read();"
        "print(int.from_bytes(raw[4:8], 'little'))"
    )

    assert run(docker_client, steps(small)[2].tag, "python", "-c", show) == "1\n"


@pytest.fixture
def build_id(monkeypatch: pytest.MonkeyPatch) -> str:
    """The mark of the builds to come, known beforehand."""
    known = secrets.token_hex(6)
    monkeypatch.setattr("mldeploy.images.build.secrets.token_hex", lambda _: known)
    return known


def test_the_password_of_an_index_is_used_and_kept_nowhere(
    docker_client: docker.DockerClient, asked_there: Index, build_id: str
) -> None:
    of = made_up(f"images-{secrets.token_hex(4)}", fresh_lock(), private=True)
    try:
        built = ensure(docker_client, steps(of), Ui())

        assert any(each.startswith("Basic ") for each in asked_there.credentials)
        assert run(docker_client, built.tag, "python", "/app/bento/src/code.py") == "42\n"
        for step in steps(of):
            image = docker_client.images.get(step.tag)
            assert "planted-password" not in str(image.attrs) + str(image.history())
        everything = docker_client.images.list(all=True)
        assert "planted-password" not in str([image.attrs for image in everything])
        assert left_of(docker_client, f"{BUILD}={build_id}") == []
    finally:
        forget(docker_client, of)


def left_of(client: docker.DockerClient, mark: str) -> list[Any]:
    """Containers of a build, and images without a name that are not the beginning of one."""
    containers = client.containers.list(all=True, filters={"label": mark}, sparse=True)
    return [*containers, *client.images.list(filters={"label": mark, "dangling": True})]


@pytest.mark.parametrize("private", [False, True])
def test_ctrl_c_leaves_no_tag_no_container_and_no_layer(
    private: bool, docker_client: docker.DockerClient, asked_there: Index, build_id: str
) -> None:
    lock = fresh_lock(None if private else asked_there)
    of = made_up("images-ended", lock, private=private)
    asked_there.given.clear()

    def press() -> None:
        assert asked_there.asked.wait(120)
        os.kill(os.getpid(), signal.SIGINT)

    pressing = threading.Thread(target=press)
    pressing.start()
    with pytest.raises(KeyboardInterrupt):
        ensure(docker_client, steps(of), Ui())
    pressing.join(timeout=10)

    assert [docker_client.images.list(name=step.tag) for step in steps(of)] == [[], [], []]
    assert docker_client.containers.list(all=True, filters={"label": steps(of)[0].mark}) == []
    assert left_of(docker_client, f"{BUILD}={build_id}") == []


# What a build that fails says


def why(client: docker.DockerClient, of: Ingredients) -> MldeployError:
    with pytest.raises(MldeployError) as caught:
        ensure(client, steps(of), Ui())
    return caught.value


def test_a_package_with_another_hash_is_refused(
    docker_client: docker.DockerClient, packages: Index
) -> None:
    lock = image_index.requirements(without_password(packages.url), "0" * 64)

    error = why(docker_client, made_up("images-hash", lock))

    assert error.code == "hash-mismatch"
    assert "tiny" in error.detail


def test_an_index_out_of_reach_is_told(
    docker_client: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")

    of = made_up("images-index", fresh_lock(), private=True)

    assert why(docker_client, of).code == "no-package-index"


def test_a_base_that_is_nowhere_is_named(docker_client: docker.DockerClient) -> None:
    base = "127.0.0.1:9/nobody/has-this:1"
    error = why(docker_client, replace(made_up("images-base", fresh_lock()), base=base))

    assert error.code == "no-base-image"
    assert base in error.what
    assert "no registry" in error.why


def test_an_engine_that_goes_away_is_told(asked_there: Index) -> None:
    import docker

    with image_index.engine_that(image_index.cut) as address:
        client = docker.DockerClient(base_url=address)
        try:
            error = why(client, made_up("images-gone", fresh_lock()))
        finally:
            client.close()

    assert error.code == "engine-gone"


# BuildKit, by the docker program


@pytest.mark.parametrize("private", [False, True])
def test_the_same_files_build_with_buildkit(
    private: bool, docker_client: docker.DockerClient, asked_there: Index, small: Ingredients
) -> None:
    kit = replace(small, project=f"{small.project}-kit", private_index=private)
    of = replace(kit, requirements=fresh_lock(None if private else asked_there))
    try:
        for step in steps(of):
            output = Output(step.role, lambda _: None)
            told = build.arguments(step, os.environ)
            buildkit.build(step.tag, context.stream(files_of(step)), told, output, 300)
            assert output.failed == ""

        image = docker_client.images.get(steps(of)[2].tag)
        assert run(docker_client, steps(of)[2].tag, "python", "/app/bento/src/code.py") == "42\n"
        assert image.labels["mldeploy.release"] == RELEASE.name
        assert image.attrs["Config"]["User"] == "10001:10001"
        assert "planted-password" not in str(image.attrs) + str(image.history())
        assert ensure(docker_client, steps(of), Ui()).made == ()
    finally:
        forget(docker_client, of)


def test_an_engine_without_the_classic_builder_is_built_on_all_the_same(
    small: Ingredients, monkeypatch: pytest.MonkeyPatch
) -> None:
    import docker

    release = replace(RELEASE, name="v3-def5678-b17000", digest="b17")
    with image_index.engine_that(image_index.refuse) as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        client = docker.DockerClient(base_url=address)
        try:
            built = ensure(client, steps(replace(small, release=release)), Ui())

            assert built.made == ("image",)
            assert run(client, built.tag, "python", "/app/bento/src/code.py") == "42\n"
        finally:
            client.close()


def test_what_buildkit_could_not_build_is_told_alike(
    docker_client: docker.DockerClient, asked_there: Index
) -> None:
    step = steps(made_up("images-kit", image_index.requirements("", "0" * 64), private=True))[0]
    output = Output(step.role, lambda _: None)

    told = build.arguments(step, os.environ)
    buildkit.build(step.tag, context.stream(files_of(step)), told, output, 300)

    assert "Hash mismatch" in output.failed
    assert docker_client.images.list(name=step.tag) == []


def test_without_buildkit_anywhere_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(MldeployError) as caught:
        buildkit.build("a", [], {}, Output("image", lambda _: None), 10)

    assert caught.value.code == "no-buildkit"


@pytest.mark.parametrize("when", ["before the next build", "as it begins"])
def test_an_image_that_somebody_removes_in_between_is_built_again(
    when: str, docker_client: docker.DockerClient, asked_there: Index
) -> None:
    """As another project's `prune` may: no release stands on the dependencies yet."""
    of = made_up(f"images-{secrets.token_hex(4)}", fresh_lock(asked_there))
    dependencies, model, _ = (step.tag for step in steps(of))
    removed: list[str] = []

    def remove() -> None:
        if not removed:
            docker_client.images.remove(dependencies)
            removed.append(dependencies)

    class Meanwhile(Ui):
        def note(self, text: str) -> None:
            if text.startswith("image: dependencies: ") and when == "before the next build":
                remove()

        def explain(self, command: str, why: str) -> None:
            if model in command and when == "as it begins":
                remove()

    try:
        built = ensure(docker_client, steps(of), Meanwhile())

        assert built.made == ("dependencies", "dependencies", "model", "image")
        assert removed == [dependencies]
    finally:
        forget(docker_client, of)
