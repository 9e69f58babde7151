"""The practice cloud on Docker: a machine is a container, and goes with it.

The container removes itself, and its disk, as soon as it stops: like a cloud's machine that is
terminated by its own shutdown. What a cloud remembers of machines that ended is an empty volume of
the same name and labels; it is made before the container is started, so that whatever ran once is
remembered.

Labels can't be changed. So the end that an extension moved is read from the machine's own file,
which is what holds it to that end; there is no second note of it that could say something else.
"""

from __future__ import annotations

import io
import tarfile
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mldeploy.engines import docker_client
from mldeploy.errors import FailedError
from mldeploy.providers import lifetime
from mldeploy.providers.base import Intend, Order, Owner, Rented, Say, State
from mldeploy.providers.fake import image, labels, play_money, refusals, rights
from mldeploy.providers.fake.settings import Fault

if TYPE_CHECKING:
    import docker

GONE_SECONDS = 60.0
EXEC_SECONDS = 20
REMEMBERED = 5  # machines of an owner that ended
STATES: dict[str, State] = {
    "created": "starting",
    "restarting": "starting",
    "running": "running",
    "paused": "stopped",
    "exited": "ending",
    "removing": "ending",
    "dead": "ending",
}
TOLD = (
    "practice/told"  # not where it is looked at: a file that is written anew is away for a moment
)
IMAGES = "var/lib/mldeploy/images"
LET_IN = f"home/{labels.USER}/.ssh/authorized_keys"
HOST_KEY = "etc/ssh/ssh_host_ed25519_key"
SOCKETS = ("unix://", "npipe://", "http+docker://")


class DockerCloud:
    """Its methods raise errors of ours only; the client answered when it was made."""

    place = "docker"

    def __init__(self, client: docker.DockerClient) -> None:
        self.client = client

    # What there is

    def machines(self, owner: Owner | None = None) -> list[Rented]:
        """Those that are there now, of all owners or one."""
        with docker_client.told():
            return [self._rented(found) for found in self._containers(labels.ours(owner))]

    def find(self, rental: str) -> Rented | None:
        """The machine of a renting, also when it has ended."""
        there = [each for each in self.machines() if each.rental == rental]
        return there[0] if there else self._ended(rental)

    def last_generation(self, owner: Owner) -> int:
        with docker_client.told():
            found = [each["Labels"] for each in self._containers(labels.ours(owner))]
            found += [each["Labels"] for each in self._records(owner)]
        return max(map(labels.generation, found), default=0)

    def end_it(self, machine: Rented) -> str:
        """The command that ends a machine without us."""
        return f"docker rm -f -v {machine.id}"

    # What changes it

    def make(
        self, order: Order, machine_type: str, fault: Fault | None, intend: Intend, say: Say
    ) -> None:
        """A container of the order's name; one that is there already is the one."""
        name = labels.name_of(order.rental)
        with docker_client.told():
            tag = image.ensure(self.client, say)
            self._forget_old(order.owner, intend)
        intend("containers.create", name)
        with _answer_may_be_lost(name), docker_client.told():
            self._create(order, machine_type, tag)
        self.complete(order, fault, intend, say)

    def complete(self, order: Order, fault: Fault | None, intend: Intend, say: Say) -> None:
        """Bring what :meth:`make` began to its end; does nothing to a machine that was started."""
        name = labels.name_of(order.rental)
        with _answer_may_be_lost(name), docker_client.told(), _gone_is_ended():
            found = self.client.containers.get(name)
            marks = dict(found.labels)
            self._remember(marks, name, intend)
            mine = marks[labels.PREFIX + "host-key"] == order.host_key
            if found.status != "created" or not mine:  # else another laptop is at it
                return
            with self._whole_or_not(name):
                self._hand_over(name, order, fault, say)
                intend("containers.start", name)
                self.client.api.start(name)

    def extend(self, rented: Rented, expires_at: datetime | None, intend: Intend) -> None:
        """In one move: a machine that reads half of it would end itself."""
        intend("exec.start", f"{rented.id}: {lifetime.EXPIRES}")
        script = f'printf "%s\\n" "$1" > {lifetime.EXPIRES}.new && '
        script += f"mv {lifetime.EXPIRES}.new {lifetime.EXPIRES}"
        self._run(rented.id, ["sh", "-c", script, "sh", lifetime.in_file(expires_at)])

    def admit(self, rented: Rented, public_key: str, intend: Intend) -> None:
        intend("exec.start", f"{rented.id}: authorized_keys")
        script = 'grep -qxF "$1" "$2" || printf "%s\\n" "$1" >> "$2"'
        self._run(rented.id, ["sh", "-c", script, "sh", public_key, f"/{LET_IN}"])

    def open_ports(self, rented: Rented, ports: tuple[int, ...], intend: Intend) -> None:
        with docker_client.told():
            published = labels.ports(self.client.containers.get(rented.id).labels)
        if set(ports) - set(published):
            raise refusals.ports_fixed(ports, published)
        intend("exec.start", f"{rented.id}: ports")
        self._run(rented.id, ["/practice/ports", *(map(str, ports) if ports else ["none"])])

    def remove(self, rented: Rented, intend: Intend) -> None:
        """End it; it may be gone already, or going."""
        from docker.errors import APIError, NotFound

        with docker_client.told():
            try:
                found = self.client.containers.get(rented.id)
                self._remember(dict(found.labels), rented.id, intend)
                intend("containers.remove", rented.id)
                found.remove(force=True, v=True)
            except NotFound:
                return
            except APIError as error:
                if error.status_code != 409:  # "removal … is already in progress"
                    raise
            self._wait_until_gone(rented.id)

    # Small steps of the above

    def _containers(self, wanted: dict[str, list[str]]) -> list[dict[str, Any]]:
        found: Any = self.client.api.containers(all=True, filters=wanted)
        return list(found)

    def _records(self, owner: Owner | None = None) -> list[dict[str, Any]]:
        found: Any = self.client.api.volumes(filters=labels.ours(owner))
        return list(found["Volumes"] or [])

    def _rented(self, found: dict[str, Any]) -> Rented:
        marks = found["Labels"]
        expiry = self._expiry(found["Id"])
        return labels.rented(marks, STATES.get(found["State"], "ending"), self.place, expiry)

    def _expiry(self, container: str) -> str | None:
        """What its file says, as a tag says it; None where it can't be read."""
        import docker

        try:
            chunks, _ = self.client.api.get_archive(container, lifetime.EXPIRES)
            with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
                file = tar.extractfile(tar.getmembers()[0])
                text = file.read().decode().strip() if file else ""
        except (docker.errors.APIError, tarfile.TarError, IndexError):
            return None  # not started yet, or going: its labels have to do
        if text == lifetime.NEVER:
            return lifetime.NEVER
        return lifetime.as_tag(datetime.fromtimestamp(int(text), UTC)) if text.isdigit() else None

    def _ended(self, rental: str) -> Rented | None:
        with docker_client.told():
            for record in self._records():
                if record["Name"] == labels.name_of(rental):
                    ended = labels.rented(record["Labels"], "ended", self.place)
                    return labels.rented(record["Labels"], "ended", self.place, why=_why(ended))
        return None

    def _create(self, order: Order, machine_type: str, tag: str) -> None:
        from docker.errors import APIError

        from mldeploy.engines.ports import free_port

        api, size = self.client.api, play_money.size(machine_type)
        cpus = min(size.cpus, int(self.client.info().get("NCPU") or size.cpus))
        ssh_port = free_port()  # chosen here: Docker would choose another one at every start
        published = {22: ("127.0.0.1", ssh_port)}
        published |= {port: ("127.0.0.1", port) for port in order.ports}
        marks = labels.of(order, machine_type, ssh_port=ssh_port, began=datetime.now(UTC))
        try:
            api.create_container(
                tag,
                name=labels.name_of(order.rental),
                hostname=f"fake-{order.rental}",
                labels=marks,
                ports=list(published),
                volumes=["/var/lib/docker"],  # without a name: it goes with the container
                host_config=rights.host_config(
                    api,
                    init=True,
                    auto_remove=True,
                    cgroupns="private",
                    tmpfs={"/run": "exec,mode=755"},
                    port_bindings=published,
                    nano_cpus=cpus * 1_000_000_000,
                    mem_limit=size.memory,
                ),
            )
        except APIError as error:
            if error.status_code != 409:  # the name is taken: by the same renting
                raise

    def _remember(self, marks: dict[str, str], name: str, intend: Intend) -> None:
        from docker.errors import NotFound

        with suppress(NotFound):
            self.client.volumes.get(name)
            return
        intend("volumes.create", name)
        self.client.volumes.create(name, labels=marks)

    def _forget_old(self, owner: Owner, intend: Intend) -> None:
        """As a cloud does after a while."""
        from docker.errors import APIError

        records = sorted(self._records(owner), key=lambda each: labels.generation(each["Labels"]))
        for old in records[:-REMEMBERED]:
            intend("volumes.remove", old["Name"])
            with suppress(APIError):  # somebody else was quicker
                self.client.api.remove_volume(old["Name"])

    def _hand_over(self, name: str, order: Order, fault: Fault | None, say: Say) -> None:
        """What a first boot is told, as files: labels and variables are for everybody to read."""
        self.client.api.put_archive(name, "/", _told(order, fault))
        with tempfile.TemporaryDirectory(prefix="mld-") as folder:
            tars = self._images(order.images, Path(folder), say)
            if tars:
                self.client.api.put_archive(name, "/", _stream(tars))

    def _images(self, wanted: Sequence[str], folder: Path, say: Say) -> list[Path]:
        """Those of them that this computer's engine has: the machine need not fetch them."""
        from docker.errors import ImageNotFound

        tars = []
        for number, each in enumerate(wanted):
            with suppress(ImageNotFound):
                found = self.client.images.get(each)
                say(f"{each} is copied to the machine: it need not be fetched there")
                tars.append(folder / f"{number}.tar")
                with tars[-1].open("wb") as file:
                    for chunk in found.save(named=each):
                        file.write(chunk)
        return tars

    @contextmanager
    def _whole_or_not(self, name: str) -> Iterator[None]:
        """What can't be started, as its port is taken, never ran: nothing of it stays."""
        from docker.errors import APIError

        try:
            yield
        except APIError:
            with suppress(APIError):  # the engine may be quicker: it removes what did not start
                self.client.api.remove_container(name, force=True, v=True)
            with suppress(APIError):
                self.client.api.remove_volume(name)
            raise

    def _run(self, name: str, command: list[str]) -> None:
        from mldeploy.engines import docker_exec

        with docker_client.told():
            container = self.client.containers.get(name)
            done = docker_exec.run(container, command, timeout=EXEC_SECONDS)
        if done.code != 0:
            raise FailedError(
                "machine-refused",
                what=f"{name} did not do what the practice cloud asked of it.",
                why=f"{' '.join(command)[:80]} ended with {done.code}: {done.err[-200:]}",
                do="run this again; if it stays so: mldeploy down, then mldeploy up",
            )

    def _wait_until_gone(self, name: str) -> None:
        deadline = time.monotonic() + GONE_SECONDS
        while time.monotonic() < deadline and self._containers({"name": [f"^/{name}$"]}):
            time.sleep(0.05)

    # Looked at once

    @cached_property
    def on_this_computer(self) -> bool:
        return str(self.client.api.base_url).startswith(SOCKETS)


@contextmanager
def _gone_is_ended() -> Iterator[None]:
    """Between two looks a machine may have ended: then there is nothing to complete."""
    from docker.errors import NotFound

    with suppress(NotFound):
        yield


@contextmanager
def _answer_may_be_lost(name: str) -> Iterator[None]:
    """The engine went away in the middle of it: it may have done what it was asked."""
    try:
        yield
    except FailedError as error:
        if error.code != "docker-gone":
            raise
        raise refusals.reply_lost(name, error.why) from error


def _why(ended: Rented) -> str:
    if ended.expires_at is not None and ended.expires_at <= datetime.now(UTC):
        return "its lifetime was over"
    return "it was taken down, or its container was removed"


def _told(order: Order, fault: Fault | None) -> bytes:
    """A tar of the files, each with its owner and who may read it."""
    ends = lifetime.in_file(order.expires_at) + "\n"
    ports = " ".join(map(str, order.ports)) or "none"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        _add(tar, f"{TOLD}/expires", ends, mode=0o644)
        _add(tar, f"{TOLD}/ports", ports + "\n", mode=0o644)
        _add(tar, f"{TOLD}/fault", f"{fault or ''}\n", mode=0o644)
        _add(tar, HOST_KEY, order.private_host_key, mode=0o600)
        _add(tar, f"{HOST_KEY}.pub", order.host_key + "\n", mode=0o644)
        _add(tar, LET_IN.rpartition("/")[0], None, mode=0o700, owner=1000)
        _add(tar, LET_IN, order.public_key + "\n", 0o600, owner=1000)
    return packed.getvalue()


def _add(tar: tarfile.TarFile, path: str, text: str | None, mode: int, owner: int = 0) -> None:
    """A file, or a folder where there is no text."""
    entry = tarfile.TarInfo(path)
    entry.type = tarfile.DIRTYPE if text is None else tarfile.REGTYPE
    content = (text or "").encode()
    entry.size, entry.mode, entry.uid, entry.gid = len(content), mode, owner, owner
    tar.addfile(entry, io.BytesIO(content))


def _stream(tars: Sequence[Path]) -> Iterator[bytes]:
    from mldeploy.images import context
    from mldeploy.images.recipe import File

    return context.stream([File(f"{IMAGES}/{tar.name}", tar) for tar in tars])
