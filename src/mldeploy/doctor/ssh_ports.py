"""The firewall, as it is seen from outside: which ports of the machine answer this laptop?"""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from mldeploy.config import FarTarget
from mldeploy.doctor.checks import Finding, ok

ANSWER_SECONDS = 2.0
AT_ONCE = 64
DOCKER = 2375
# What is often left open, also where nothing was said to listen.
NAMES = {
    22: "ssh", 80: "http", 443: "https", DOCKER: "Docker", 2376: "Docker", 3000: "", 3306: "MySQL",
    5000: "MLflow, or a registry", 5432: "PostgreSQL", 5601: "Kibana", 6379: "Redis", 8000: "",
    8080: "", 8888: "Jupyter", 9000: "", 9090: "Prometheus", 9200: "Elasticsearch",
    11211: "memcached", 11434: "Ollama", 27017: "MongoDB",
}  # fmt: skip
# Both name the local address in the fourth column; programs of others are named to root only.
SCRIPT = "ss -Hltnp 2>/dev/null || netstat -ltnp 2>/dev/null | grep -i listen || true"


@dataclass(frozen=True)
class Listening:
    """A TCP socket that waits for somebody; ``program`` is empty where we may not know."""

    address: str
    port: int
    program: str = ""

    @property
    def is_local(self) -> bool:
        return self.address.startswith("127.") or self.address in ("::1", "::ffff:127.0.0.1")


def listening_after(target: FarTarget) -> tuple[int, ...]:
    """The ports that `up` opens on the machine to whoever reaches it; pure."""
    if target.private:
        return ()
    return (80, 443) if target.certificate in ("domain", "address") else (target.published,)


def listening(printed: str) -> list[Listening] | None:
    """Of what the script prints; None if the machine has neither program."""
    found = []
    for line in printed.splitlines():
        words = line.split()
        address, _, port = words[3].rpartition(":") if len(words) > 3 else ("", "", "")
        if port.isdigit():
            program = line.partition('(("')[2].partition('"')[0]
            found.append(Listening(address.strip("[]").partition("%")[0], int(port), program))
    return found or None


def answering(host: str, ports: Iterable[int]) -> frozenset[int]:
    """Which of them take a connection from here within two seconds."""

    def answers(port: int) -> bool:
        try:
            with socket.create_connection((host, port), ANSWER_SECONDS):
                return True
        except OSError:
            return False

    asked = sorted(set(ports))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(answers, asked)
        return frozenset(port for port, yes in zip(asked, found, strict=True) if yes)


def judged(
    answer: Collection[int] | None,
    there: Collection[Listening] | None,
    expected: Collection[int],
    target: str,
) -> Finding:
    """``answer`` are the ports that do from here, ``expected`` those that are meant to; None says
    that nothing can be asked from here."""
    outer = {one.port for one in there or () if not one.is_local}
    programs = {one.port: one.program for one in there or () if one.program}

    def shown(ports: Iterable[int]) -> str:
        words = ((port, programs.get(port) or NAMES.get(port, "")) for port in sorted(ports))
        return ", ".join(f"{port} ({name})" if name else str(port) for port, name in words)

    if answer is None:
        seen = f"from behind a jump host they can't be tried; there listen {shown(outer) or 'none'}"
        answer = ()
    else:
        seen = f"from here answer {shown(answer) or 'none'}"
        if behind := outer - set(answer):
            seen += f"; {shown(behind)} listen and don't answer from here: a firewall is between"
    if there is None:
        seen += "; what listens over there can't be seen: it has no `ss`"
    look = f"who listens: mldeploy ssh {target} -- sudo ss -ltnp"
    if DOCKER in answer or DOCKER in outer:
        return Finding(
            "open ports",
            "error",
            f"Docker listens at port {DOCKER}: whoever reaches it is root there, without a "
            f"password ({seen}).",
            "take tcp:// out of `hosts` in /etc/docker/daemon.json, and -H tcp:// out of: "
            "systemctl cat docker; ssh needs neither",
        )
    if others := set(answer) - set(expected):
        return Finding(
            "open ports",
            "warning",
            f"Everybody in reach can try {shown(others)}: {seen}.",
            f"let them listen at 127.0.0.1, or close them in the firewall     ({look})",
        )
    return ok("open ports", seen)


def way_in(state: str, target: FarTarget, answer: Callable[[], Collection[int] | None]) -> Finding:
    """Does the target's own port answer from here, now that something serves (``state``)?

    ``answer`` finds out, None if nobody can; it is asked only if something serves.
    """
    wanted = listening_after(target)
    ports = " and ".join(map(str, wanted))
    if state == "down":
        nothing = "nothing serves yet; after `up`"
        return ok("way in", f"{nothing} this listens: {ports}" if wanted else f"{nothing} no port")
    answers = answer()
    if answers is None:
        return ok("way in", "from behind a jump host it can't be tried")
    found = set(answers)
    if target.private:
        if target.published not in found:
            return ok("way in", "private: no port of it answers; mldeploy open leads there")
        return Finding(
            "way in",
            "error",
            f"The target is private, and port {target.published} answers from here.",
            "mldeploy doctor: `open ports` says who listens there",
        )
    if missing := sorted(set(wanted) - found):
        shut = " and ".join(map(str, missing))
        return Finding(
            "way in",
            "error",
            f"It serves, but nothing answers from here at port {shut}: a firewall of the provider?",
            f"let port {shut} in, in the provider's console (firewall, security group) "
            "and the machine's own (sudo ufw status)",
        )
    return ok("way in", f"it answers from here, at port {ports}")
