"""A made-up project and its history, in which a fix can be told from other commits, but not surely.

New code brings bugs, into fragile files more than into others. Each bug shows after some days, and
is mended by a small change to that file, often with a test. Other commits are small too, and a
message does not always say what the commit does.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

DAY = 24 * 60 * 60  # seconds
START = 1_609_718_400  # seconds since 1970: Monday, 4 January 2021, in UTC

WORDS = ("address", "currency", "date", "discount", "export", "filter", "import", "limit", "total")
MESSAGES = {
    # The last of the fixes cannot be told by its words.
    "fix": ("fix: {} of {}", "Fix the {} when {} is empty", "Bug: {} and {}", "Handle no {}"),
    "feature": ("feat: {} with {}", "Add the {} to {}", "New {}"),
    "tidy": ("refactor: {} and {}", "Faster {}", "Rename {} to {}", "Simpler {}"),
    "docs": ("docs: {} and {}", "Explain the {}", "More on {}"),
    "config": ("chore: newer {}", "ci: {} and {}", "Release {}"),
    "tests": ("test: {} and {}", "More tests of {}"),
}
CHANCES = {"feature": 0.30, "tidy": 0.36, "docs": 0.14, "config": 0.12, "tests": 0.08}

Renames = tuple[tuple[str, str], ...]  # the old path, the new path


@dataclass(eq=False)
class File:
    path: str
    fragility: float = 0.0  # bugs that a hundred new lines bring
    lines: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Planned:
    """A commit that is to be made."""

    seconds: int  # since 1970
    author: str
    message: str
    files: dict[str, bytes]
    renames: Renames = ()


class Simulation:
    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)  # noqa: S311 (no secret depends on it)
        self.now = START
        self.written = 0  # lines so far: each has its number in it, so no two are the same
        self.bugs: list[tuple[float, File]] = []  # when it shows, and in which file
        self.code: list[File] = []
        self.tests: dict[File, File] = {}
        self.docs = [File(f"{name}.md") for name in ("README", "CHANGELOG", "docs/getting started")]
        self.config = [File(name) for name in ("pyproject.toml", "Makefile", ".github/ci.yml")]

    def commits(self, count: int) -> Iterator[Planned]:
        """So many commits. The first one brings a small project."""
        for _ in range(6):
            self._new_code()
        every = [*self.code, *self.tests.values(), *self.docs, *self.config]
        yield self._commit("feature", dict.fromkeys(every, (60, 0)))
        for number in range(1, count):
            self._pass_time()
            shown = [bug for bug in self.bugs if bug[0] <= self.now]
            if number % 90 == 0:
                yield self._rename()
            elif shown and self._chance(0.7):
                self.bugs.remove(shown[0])
                yield self._fix(shown[0][1])
            else:
                yield self._other(self.dice.choices([*CHANCES], [*CHANCES.values()])[0])

    def _pass_time(self) -> None:
        """On to a moment in working hours, or now and then to any other."""
        while True:
            self.now += 60 + int(self.dice.expovariate(1 / (0.25 * DAY)))
            days, seconds = divmod(self.now - START, DAY)
            if (days % 7 < 5 and 7 <= seconds // 3600 < 18) or self._chance(0.1):
                return

    def _fix(self, file: File) -> Planned:
        size = self.dice.choice((4, 6, 12))
        edits = {file: (self._lines(size), self._lines(size - 2))}
        if self._chance(0.35):
            edits[self.tests[file]] = (self._lines(9), 0)
        if self._chance(0.25):
            edits[self.dice.choice(self.code)] = (self._lines(4), self._lines(3))
        if self._chance(0.2):
            edits[self.docs[1]] = (1, 0)
        return self._commit("fix", edits)

    def _other(self, kind: str) -> Planned:
        if kind == "docs" and self._chance(0.1):
            return self._planned(kind, {"docs/logo.png": b"\x89PNG\0%d" % self.now})
        if kind in ("docs", "config", "tests"):
            files = {"docs": self.docs, "config": self.config}.get(kind, [*self.tests.values()])
            chosen = self.dice.sample(files, 1 + self._chance(0.3))
            return self._commit(kind, {file: (self._lines(9), self._lines(5)) for file in chosen})
        if kind == "feature" and self._chance(0.3):
            self._new_code()
        # What was added last is worked on most.
        newest = [max(-len(self.code), -self._lines(9)) for _ in range(self._lines(1.2))]
        added, deleted = (18, 6) if kind == "feature" else (6, 5)
        edits = {}
        for place in newest:
            file = self.code[place]
            edits[file] = (self._lines(added), self._lines(deleted))
            if self._chance(file.fragility * edits[file][0] / 100):
                self.bugs.append((self.now + self.dice.expovariate(1 / (5 * DAY)), file))
            if self._chance(0.5 if kind == "feature" else 0.25):
                edits[self.tests[file]] = (self._lines(12), self._lines(3))
        if kind == "feature" and self._chance(0.35):
            edits[self.dice.choice(self.docs)] = (self._lines(4), 0)
        return self._commit(kind, edits)

    def _rename(self) -> Planned:
        file = self.dice.choice([file for file in self.code if file.lines])
        old, file.path = file.path, file.path.replace(".py", "_2.py")
        return self._planned("tidy", {}, ((old, file.path),))

    def _new_code(self) -> None:
        name = f"{self.dice.choice(WORDS)}/part_{len(self.code)}.py"
        file = File(f"src/shop/{name}", fragility=0.5 + self.dice.expovariate(1 / 1.5))
        self.code.append(file)
        self.tests[file] = File(f"tests/{name}")

    def _commit(self, kind: str, edits: dict[File, tuple[int, int]]) -> Planned:
        for file, (added, deleted) in edits.items():
            start = self.dice.randint(0, max(0, len(file.lines) - deleted))
            new = [f"{kind} = {self.written + number}" for number in range(added)]
            file.lines[start : start + deleted] = new
            self.written += added
        return self._planned(kind, {file.path: "\n".join(file.lines).encode() for file in edits})

    def _planned(self, kind: str, files: dict[str, bytes], renames: Renames = ()) -> Planned:
        said = "fix" if self._chance(0.07) else kind  # people say so where no bug was
        message = self.dice.choice(MESSAGES[said]).format(*self.dice.sample(WORDS, 2))
        team = 2 + (self.now - START) // (200 * DAY)  # it grows; the first ones fix most
        developer = min(self._lines(1.5 if kind == "fix" else 2.0), team)
        return Planned(self.now, f"developer-{developer}", message, files, renames)

    def _lines(self, mean: float) -> int:
        return 1 + int(self.dice.expovariate(1 / mean))

    def _chance(self, share: float) -> bool:
        return self.dice.random() < share
