"""One multiplexed connection to a host; it is made again when it breaks.

The master is a child of ours whose remote command is `cat` on our pipe: however we end, the pipe
closes, `cat` ends, and with it the master. No ssh is ever left behind.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from mldeploy.errors import MldeployError
from mldeploy.ssh import host_key, trouble
from mldeploy.ssh.address import Address, Resolved, program, resolve
from mldeploy.ssh.options import MASTERS_OWN, OPTIONS

HELLO_SECONDS = 90  # longer than the options give TCP: a bad line needs time for the rest
PATIENCE_SECONDS = 240  # a machine that reboots is back by then
PATIENCE = "MLDEPLOY_SSH_PATIENCE"  # other seconds than those
READY = "mldeploy-is-in"
HELLO = f"{READY}\n".encode()
BEGIN = b"mldeploy-begins\n"  # before it a host's start-up files may say something of their own


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


class LostError(Exception):
    """The connection broke while something was under way."""


class Connection:
    """Commands on a host and forwarded sockets, over one ssh. Not made before it is needed.

    ``tell`` gets a sentence when the connection broke and is made again; ``asking`` says whether a
    person is there to type a passphrase. Every method raises errors of :mod:`mldeploy.errors`, and
    :class:`LostError` where the caller must know that something may have been cut short.
    """

    def __init__(
        self,
        address: Address,
        *,
        asking: bool,
        tell: Callable[[str], None],
        is_hopeless: Callable[[], bool] = lambda: False,
    ) -> None:
        """``is_hopeless`` is asked between two attempts to connect again: is the host no more?"""
        self.address = address
        self.is_hopeless = is_hopeless
        self.asking = asking
        self.tell = tell
        self._there: Resolved | None = None
        self._master: subprocess.Popen[bytes] | None = None
        self._folder: Path | None = None
        self._forwards: dict[str, Path] = {}
        self._tunnels: list[str] = []
        self._gave_up = False
        self._lock = threading.RLock()

    @property
    def there(self) -> Resolved:
        if self._there is None:
            self._there = resolve(self.address)
        return self._there

    # The connection itself

    def open(self) -> None:
        """Connect unless connected. One attempt: raises what is wrong in three parts."""
        with self._lock:
            if self.alive:
                return
            self._end_master()
            self._start_master()
            for remote, local in self._forwards.items():
                self._forward(remote, local)
            for spec in self._tunnels:
                self._control_command("forward", spec)

    def ensure(self) -> None:
        """Connect unless connected, and go on trying for a while if it once was.

        That is done once. After it was in vain, or was ended by Ctrl+C, each call fails at once:
        there are many in what clears up, and none of them is to wait again.
        """
        with self._lock:
            if self.alive:
                return
            if self._master is None:
                self.open()
                return
            if self._gave_up:
                raise trouble.gone(self.address, _patience())
            self._gave_up = True
            self._connect_again(_patience())
            self._gave_up = False

    def _connect_again(self, seconds: float) -> None:
        self.tell(f"the connection to {self.address} is lost; trying for {seconds:.0f} s")
        deadline = time.monotonic() + seconds
        while True:
            try:
                self.open()
            except MldeployError as error:
                # A host key that is another now, or a door that is closed, stays so.
                if error.code in ("ssh-host-changed", trouble.UNKNOWN_KEY):
                    raise
                if time.monotonic() > deadline or self.is_hopeless():
                    raise trouble.gone(self.address, seconds) from error
                time.sleep(1)
            else:
                self.tell(f"connected to {self.address} again")
                return

    @property
    def alive(self) -> bool:
        return self._master is not None and self._master.poll() is None

    def close(self) -> None:
        with self._lock:
            self._end_master()
            self._master = None
            self._forwards.clear()  # they lie in the folder
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
                self._folder = None

    # What goes over it

    def run(
        self, script: str, *words: str, stdin: bytes = b"", seconds: float = 60, tries: int = 3
    ) -> Ran:
        """Run a POSIX shell script on the host; ``words`` are its $1, $2 …

        Run again, up to ``tries`` times in all, when the connection breaks: it must bear that.
        Script and words are in the host's process list while it runs: secrets go by ``stdin``.
        """
        for left in reversed(range(tries)):
            self.ensure()
            try:
                return self.once(script, *words, stdin=stdin, seconds=seconds)
            except LostError:
                if not left:
                    raise trouble.gone(self.address, _patience()) from None
        raise AssertionError("unreachable")

    def once(self, script: str, *words: str, stdin: bytes = b"", seconds: float = 60) -> Ran:
        """As :meth:`run`, but once; raises LostError if the connection breaks."""
        process = self.start(f"echo {BEGIN.decode().strip()}\n{script}", *words)
        try:
            out, err = process.communicate(stdin, timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise LostError(f"nothing came back within {seconds:.0f} s") from None
        except BaseException:
            process.kill()
            process.wait(timeout=10)
            raise
        if process.returncode == 255:  # ssh's own; our scripts never end with it
            raise LostError(err.decode("utf-8", "replace").strip()[-300:])
        code = process.returncode
        said = out.partition(BEGIN)[2]
        return Ran(code, said.decode("utf-8", "replace"), err.decode("utf-8", "replace"))

    def start(self, script: str, *words: str, quiet: bool = False) -> subprocess.Popen[bytes]:
        """Start a script on the host, with pipes; ``quiet``: nobody will read what it says."""
        import shlex

        command = " ".join(["sh", "-c", shlex.quote(script), "mldeploy", *map(shlex.quote, words)])
        return subprocess.Popen(
            [*self._through_master(), *self.address.words, command],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL if quiet else subprocess.PIPE,
            stderr=subprocess.DEVNULL if quiet else subprocess.PIPE,
            start_new_session=True,  # Ctrl+C is for us
        )

    def forward(self, remote: str) -> Path:
        """A Unix socket here that is ``remote`` over there: a path, or host:port."""
        with self._lock:
            self.open()
            if remote not in self._forwards:
                local = self._control.parent / f"s{len(self._forwards)}"
                self._forward(remote, local)
                self._forwards[remote] = local
            return self._forwards[remote]

    @contextmanager
    def tunnel(self, port: int) -> Iterator[int]:
        """A port of this machine that leads to ``port`` of the host's loopback meanwhile."""
        from mldeploy.engines.ports import free_port

        self.ensure()
        here = free_port()
        spec = f"127.0.0.1:{here}:127.0.0.1:{port}"
        self._control_command("forward", spec)
        self._tunnels.append(spec)
        try:
            yield here
        finally:
            self._tunnels.remove(spec)
            with suppress(MldeployError):
                self._control_command("cancel", spec)

    # Small steps of the above

    def _start_master(self) -> None:
        _ = self.there  # what is wrong with a configuration is said before anything is made
        if self._folder is None:
            # Short: a Unix socket's path has some hundred bytes, and ssh adds some for a draft.
            self._folder = Path(tempfile.mkdtemp(prefix="mld-", dir=_short_folder()))
            atexit.register(self.close)
        complaints = self._folder / "err"
        batch = "no" if self.asking else "yes"
        words = [
            program(), "-M", "-S", str(self._folder / "c"), *OPTIONS,
            "-o", f"BatchMode={batch}",
            "-o", "StrictHostKeyChecking=yes",
            "-o", "ControlMaster=yes",
            *self.address.words,
            f"echo {READY}; exec cat",
        ]  # fmt: skip
        with complaints.open("wb") as err:
            # It asks for a passphrase at our terminal, so it stays in our group of processes; but
            # Ctrl+C must not cut the line that the clearing up needs.
            master = subprocess.Popen(
                ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=err,
            )
        self._master = master
        if not _greets(master, HELLO_SECONDS):
            with suppress(subprocess.TimeoutExpired):
                master.wait(timeout=5)  # for its last words
            why = _silent(master.poll())
            self._end_master()
            said = complaints.read_text(encoding="utf-8", errors="replace")
            raise host_key.explained(said or why, self.address, self.there)

    def _forward(self, remote: str, local: Path) -> None:
        local.unlink(missing_ok=True)
        self._control_command("forward", f"{local}:{remote}")

    def _control_command(self, verb: str, spec: str) -> None:
        done = subprocess.run(
            [*self._to_master(), "-O", verb, "-L", spec, *self.address.words],
            capture_output=True,
            text=True,
            timeout=30,
        )
        if done.returncode != 0:
            raise trouble.explain(done.stderr, self.address, self.there)

    @property
    def _control(self) -> Path:
        return (self._folder or Path(_short_folder() or ".")) / "c"

    def _through_master(self) -> list[str]:
        if self._folder is None:
            self.open()
        # If the master is gone, ssh would connect anew by itself, and ask who knows what.
        return [
            *self._to_master(), "-o", "ControlMaster=no", "-o", "BatchMode=yes",
            "-o", "ProxyCommand=exit 255", *OPTIONS,
        ]  # fmt: skip

    def _to_master(self) -> list[str]:
        return [program(), *MASTERS_OWN, "-S", str(self._control)]

    def complaints(self) -> str:
        """What the master has said so far: refused forwardings, for one."""
        path = self._folder / "err" if self._folder else None
        return path.read_text(encoding="utf-8", errors="replace") if path and path.exists() else ""

    def _end_master(self) -> None:
        master = self._master
        if master is None:
            return
        for pipe in (master.stdin, master.stdout):
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()
        try:
            master.wait(timeout=1)
        except subprocess.TimeoutExpired:
            master.terminate()  # a line that is cut lets it hear nothing of the closed pipe
            try:
                master.wait(timeout=2)
            except subprocess.TimeoutExpired:
                master.kill()
                master.wait(timeout=10)


def _patience() -> float:
    told = os.environ.get(PATIENCE, "")
    return float(told) if told.isdigit() else PATIENCE_SECONDS


def _greets(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Does it say within ``seconds`` that we are in? Start-up files may say something before."""
    import selectors

    said, pipe = b"", process.stdout
    if pipe is None:
        return False
    deadline = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while HELLO not in said and (left := deadline - time.monotonic()) > 0:
            if not selector.select(timeout=left):
                break
            chunk = os.read(pipe.fileno(), 4096)
            if not chunk:
                break
            said += chunk
    return HELLO in said


def _silent(code: int | None) -> str:
    """Why there may be no word of an ssh that says nothing itself; None is the code of one that
    hangs."""
    if code is None:
        return "it timed out"
    return f"the login shell there ended with {code}, and ran nothing: is it a real one?"


def _short_folder() -> str | None:
    """The usual temporary folder, unless its path is too long for a socket in it."""
    usual = tempfile.gettempdir()
    return usual if len(usual) <= 50 or os.name == "nt" else "/tmp"  # noqa: S108 - mkdtemp's own
