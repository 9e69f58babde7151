"""docs/from-floydhub.md: each row of what one typed and types is typed here, as it stands there."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mldeploy.cli.jobs import run as run_verb
from mldeploy.floyd.environments import GONE, PYTORCH, TENSORFLOW
from mldeploy.floyd.machines import SIZES
from mldeploy.jobs.record import Order
from tests.conftest import CHECKOUT, MLDEPLOY, Done
from tests.jobs.bench import Bench, end_what_runs

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

PAGE = (CHECKOUT / "docs/from-floydhub.md").read_text(encoding="utf-8")
SETTINGS = """\
[project]
name = "quick-start"

[targets.local]
kind = "process"

[targets.aws]
kind = "aws"
region = "us-east-1"
machine_type = "t3.medium"
"""
FLOYD_YML = """\
env: pytorch-1.4
task:
  train:
    input: foo/datasets/mnist/1:mnist
    description: as it was
    max_runtime: 600
    command: python train.py
"""
TRAIN = """\
import json, os, pathlib, sys, time
data = pathlib.Path("floyd/input/mnist/digits.csv")
print("trained with", sys.argv[1:], "on", data.read_text() if data.exists() else "nothing")
print(json.dumps({"metric": "loss", "value": 0.25, "step": 1}), flush=True)
pathlib.Path(os.environ["MLDEPLOY_OUTPUTS"], "model.txt").write_text("a model")
time.sleep(60 if "--long" in sys.argv else 0)
"""


@dataclass(frozen=True)
class Row:
    """``typed`` is None where the page says that there is nothing to type."""

    floyd: str
    typed: str | None


class Desk(Bench):
    """A project that came from FloydHub, with three jobs and data, and a home of its own."""

    @property
    def home(self) -> Path:
        return self.root.parent / "home"

    def type(self, line: str, **env: str) -> Done:
        """In a shell, as a person does who has nobody at the terminal to say yes."""
        path = f"{MLDEPLOY.parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=self.root,
            env=os.environ | self.own | {"PATH": path} | env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    @property
    def own(self) -> dict[str, str]:
        places = {"XDG_DATA_HOME": "data", "XDG_STATE_HOME": "state"}
        return {"HOME": str(self.home)} | {k: str(self.home / v) for k, v in places.items()}

    def told(self, number: str) -> dict[str, Any]:
        done = self.type(f"mldeploy jobs show {number} --json")
        assert done.code == 0, done.stdout + done.stderr
        return done.json

    def kept(self, number: str, name: str) -> str:
        (found,) = self.root.glob(f".mldeploy/jobs/{number}-*/outputs/{name}")
        return found.read_text()

    def order(self, line: str) -> Order:
        """What a `mldeploy run` would order, of a machine that a test does not rent."""
        from mldeploy import project
        from mldeploy.jobs import ordering
        from mldeploy.ui import Ui

        given = run_verb.make_context("run", shlex.split(line)[2:]).params
        given.pop("detach")
        words = given.pop("command")
        wishes = ordering.Wishes(command=words[0] if words else None, **given)
        return ordering.order(project.find(self.root), wishes, Ui())


def rows() -> list[Row]:
    found = []
    for line in PAGE.splitlines():
        if not line.startswith("| `floyd "):
            continue
        floyd, ours, *_ = (cell.strip() for cell in line.strip("|").split(" | "))
        typed = re.match(r"`(mldeploy[^`]*)`", ours)
        found.append(Row(re.findall(r"`([^`]*)`", floyd)[0], typed[1] if typed else None))
    return found


Check = Callable[[Desk, Done], None]
CHECKS: dict[str, Check] = {}
BEFORE: dict[str, str] = {}  # what is typed first
ORDERED = ("floyd run --cpu2", "floyd run --gpu ", "floyd run --gpu2", "floyd restart 3 --gpu")


def row(*floyd: str, first: str = "") -> Callable[[Check], Check]:
    def register(check: Check) -> Check:
        for each in floyd:
            CHECKS[each] = check
            BEFORE[each] = first
        return check

    return register


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    root = tmp_path_factory.mktemp("desk") / "quick-start"
    desk = Desk(root, 0)
    (root / "mnist").mkdir(parents=True)
    (root / "mnist/digits.csv").write_text("1,2,3")
    for name, text in {
        "mldeploy.toml": SETTINGS,
        "floyd.yml": FLOYD_YML,
        "train.py": TRAIN,
        ".gitignore": "mnist\n",
    }.items():
        (root / name).write_text(text)
    desk.home.mkdir()
    steps = ["import floyd.yml --data foo/datasets/mnist/1=mnist/1", "data push ./mnist"]
    steps += ["run -- 'python train.py'"] * 3
    for step in steps:
        done = desk.type(f"mldeploy {step}")
        assert done.code == 0, done.stdout + done.stderr
    yield desk
    end_what_runs(desk)


Typed = tuple[Desk, Done]


@pytest.fixture(scope="module")
def typed(imported: Desk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Any, Typed]]:
    """What was typed already, each in a copy of the project: two rows may have one answer."""
    found: dict[Any, Typed] = {}
    yield found
    for desk, _ in found.values():
        end_what_runs(desk)


@pytest.mark.parametrize("given", rows(), ids=lambda given: given.floyd)
def test_what_the_page_says_to_type_does_what_floydhub_did(
    given: Row, imported: Desk, typed: dict[Any, Typed], tmp_path: Path
) -> None:
    assert given.floyd in CHECKS, "a row of the page that nobody tries"
    first = BEFORE[given.floyd]
    if (given.typed, first) not in typed:
        shutil.copytree(imported.root.parent, tmp_path / "desk", symlinks=True)
        desk = Desk(tmp_path / "desk" / imported.root.name, 0)
        if first:
            assert desk.type(first).code == 0
        typed[given.typed, first] = (desk, _answer(desk, given))

    CHECKS[given.floyd](*typed[given.typed, first])


def _answer(desk: Desk, given: Row) -> Done:
    if given.typed is None:
        return Done(0, "", "")
    if given.floyd.startswith(ORDERED):
        return Done(0, json.dumps(desk.order(given.typed).__dict__), "")
    return desk.type(given.typed)


def test_nothing_is_tried_that_the_page_does_not_have() -> None:
    assert set(CHECKS) == {each.floyd for each in rows()}


@pytest.mark.parametrize(
    ("verb", "options"),
    [
        ("login", "--token -k -u -p"),
        ("logout", ""),
        ("init", ""),
        (
            "run",
            "--env --cpu --gpu --cpu2 --gpu2 --data --message -m --mode -f --follow --tensorboard "
            "--no-tensorboard --max-runtime -r --task --open --no-open",
        ),
        ("restart", "--data --env --message -m --gpu --cpu"),
        ("status", ""),
        ("info", ""),
        ("logs", "-u -f"),
        ("output", "-u"),
        ("stop", ""),
        ("delete", "-y"),
        ("clone", "-p --path"),
        ("data init", ""),
        ("data upload", "-r --resume -m --message"),
        ("data status", ""),
        ("data clone", "-p --path"),
        ("data listfiles", ""),
        ("data getfile", ""),
        ("data output", "-u"),
        ("data add", ""),
        ("data delete", "-y"),
        ("version", ""),
    ],
)
def test_every_verb_and_option_that_floydhub_had_is_on_the_page(verb: str, options: str) -> None:
    cells = [
        line.strip("|").split(" | ")[0]
        for line in PAGE.splitlines()
        if re.match(rf"\| `floyd {verb}\b", line)
    ]

    assert cells
    for option in options.split():
        assert any(re.search(rf"(?<![\w-]){option}(?![\w-])", cell) for cell in cells), option


def test_the_page_names_the_machines_and_images_that_import_proposes() -> None:
    for machine, size in SIZES.items():
        types = " | ".join(f"`{each}`" for each in size.types.values())
        assert f"| `{machine}` | {size.was} | {types} |" in PAGE
    assert f"`{PYTORCH}`" in PAGE
    assert f"`{TENSORFLOW}`, with a GPU `{TENSORFLOW}-gpu`" in PAGE
    assert all(f"`{family}`" in PAGE for family in GONE)


# What each row must have done


@row("floyd login")
def _doctor_says_what_is_needed(_: Desk, done: Done) -> None:
    assert done.code == 0, done.stdout
    assert "runs jobs: train" in done.stdout


@row("floyd logout")
def _no_key_is_kept(desk: Desk, _: Done) -> None:
    desk.type(
        "mldeploy doctor local",
        PAPERSPACE_API_KEY="k3y-of-mine",
        AWS_SECRET_ACCESS_KEY="k3y-of-mine",
    )

    files = [path for path in desk.root.parent.rglob("*") if path.is_file()]
    assert files
    assert not any(b"k3y-of-mine" in path.read_bytes() for path in files)


@row("floyd init quick-start", first="rm mldeploy.toml")
def _a_settings_file_is_made(desk: Desk, done: Done) -> None:
    assert done.code == 0
    assert '[jobs.train]\ncommand = "python train.py"' in (desk.root / "mldeploy.toml").read_text()


@row(
    "floyd run 'python train.py'",
    "floyd run --cpu 'python train.py'",
    "floyd run --follow 'python train.py'",
)
def _it_runs_and_comes_home(desk: Desk, done: Done) -> None:
    assert "trained with [] on nothing" in done.stdout
    assert desk.kept("4", "**/model.txt") == "a model"
    assert desk.told("4")["target"] == "local"


@row(
    "floyd run --task train",
    "floyd run --env pytorch-1.4 'python train.py'",
    "floyd restart 3 --env keras",
)
def _the_table_says_all(desk: Desk, done: Done) -> None:
    assert "on 1,2,3" in done.stdout
    assert desk.told("4")["message"] == "as it was"
    assert f'base = "{PYTORCH}"' in (desk.root / "mldeploy.toml").read_text()


@row("floyd run --cpu2 'python train.py'", "floyd run --gpu2 'python train.py'")
def _that_machine_is_ordered(_: Desk, done: Done) -> None:
    order = done.json
    assert order["target"] == "aws"
    assert order["machine_type"] == SIZES["gpu2" if order["gpu"] else "cpu2"].types["aws"]


@row("floyd run --gpu 'python train.py'", "floyd restart 3 --gpu")
def _a_machine_with_a_gpu_is_ordered(_: Desk, done: Done) -> None:
    from mldeploy.prices import table

    order = done.json
    assert (order["command"], order["gpu"]) == ("python train.py", True)
    assert table("aws").size("us-east-1", order["machine_type"]).gpu


@row(
    "floyd run --data foo/datasets/mnist/1:mnist 'python train.py'",
    "floyd restart 3 --data foo/datasets/mnist/1:mnist",
)
def _it_finds_its_data(_: Desk, done: Done) -> None:
    assert "on 1,2,3" in done.stdout, done.stderr


@row("floyd run --message 'a new layer' 'python train.py'")
def _it_has_its_message(desk: Desk, _: Done) -> None:
    assert desk.told("4")["message"] == "a new layer"


@row("floyd run --max-runtime 3600 'python train.py'")
def _it_may_take_an_hour(desk: Desk, done: Done) -> None:
    assert done.code == 0
    assert "3600 s" in desk.type("mldeploy jobs show 4").stdout


@row("floyd run --mode job 'python train.py'")
def _it_is_not_waited_for(desk: Desk, done: Done) -> None:
    assert done.code == 0
    assert "mldeploy jobs logs -f 4" in done.stderr
    assert "trained" in desk.type("mldeploy jobs logs -f 4").stdout


@row("floyd run --mode serve")
def _what_only_runs_jobs_says_that_nothing_is_served(_: Desk, done: Done) -> None:
    assert done.code == 2
    assert "service =" in done.stderr


@row("floyd run --mode jupyter")
def _a_notebook_is_named_and_refused(desk: Desk, _: Done) -> None:
    done = desk.type("mldeploy import --command 'floyd run --mode jupyter' --json")

    assert done.code == 2
    assert "nbconvert" in done.json["error"]["why"]


@row("floyd run --tensorboard 'python train.py'")
def _metrics_are_there(_: Desk, done: Done) -> None:
    assert "loss" in done.stdout


@row("floyd restart 3")
def _it_runs_again(desk: Desk, done: Done) -> None:
    assert "trained with []" in done.stdout
    assert desk.told("4")["id"].startswith("4-")


@row("floyd restart 3 --message again 'python train.py --lr 2'")
def _it_runs_again_otherwise(desk: Desk, done: Done) -> None:
    assert "trained with ['--lr', '2']" in done.stdout
    assert desk.told("4")["message"] == "again"


@row("floyd status")
def _all_are_listed(_: Desk, done: Done) -> None:
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["job", "1", "2", "3"]
    assert "loss" in done.stdout


@row("floyd status 3", "floyd info 3", "floyd output -u 3")
def _one_is_shown_with_its_folder(desk: Desk, done: Done) -> None:
    assert "job 3: succeeded" in done.stdout
    assert ".mldeploy/jobs/3-" in done.stdout


@row("floyd logs 3")
def _its_log_is_shown(_: Desk, done: Done) -> None:
    assert "trained with []" in done.stdout


@row("floyd logs -f 4", first="mldeploy run --detach -- 'python train.py'")
def _its_log_is_followed_until_it_is_home(desk: Desk, done: Done) -> None:
    assert "trained with []" in done.stdout
    assert desk.kept("4", "**/model.txt")


@row("floyd logs -u 3")
def _its_log_is_a_file(desk: Desk, _: Done) -> None:
    assert "trained with []" in (desk.root / "job-3.log").read_text()


@row("floyd output 3")
def _its_files_are_here(desk: Desk, done: Done) -> None:
    assert done.code == 0
    assert desk.kept("3", "**/model.txt") == "a model"


@row("floyd stop 4", first="mldeploy run --detach -- 'python train.py --long'")
def _it_is_ended(desk: Desk, done: Done) -> None:
    assert done.code == 0, done.stderr
    assert "stopped" in desk.type("mldeploy jobs show 4").stdout


@row("floyd delete 1 2")
def _it_asks_before_it_deletes(desk: Desk, done: Done) -> None:
    assert done.code != 0
    assert "--yes" in done.stderr
    assert len(list(desk.root.glob(".mldeploy/jobs/*-*"))) == 3


@row("floyd delete -y 1 2")
def _they_are_gone(desk: Desk, done: Done) -> None:
    assert done.code == 0, done.stderr
    assert [path.name[:2] for path in desk.root.glob(".mldeploy/jobs/*-*")] == ["3-"]


@row("floyd clone 3")
def _its_code_is_in_a_folder(desk: Desk, _: Done) -> None:
    assert (desk.root / "job-3/train.py").read_text() == TRAIN


@row("floyd clone 3 -p elsewhere")
def _its_code_is_in_that_folder(desk: Desk, _: Done) -> None:
    assert (desk.root / "elsewhere/train.py").read_text() == TRAIN


@row(
    "floyd data init mnist",
    "floyd data upload",
    "floyd data upload -m 'first'",
    "floyd data upload -r",
    first="echo 4 > mnist/more.csv",
)
def _there_is_a_second_version(desk: Desk, done: Done) -> None:
    assert done.stdout.startswith("mnist/2  2 files"), done.stderr


@row("floyd data status", "floyd data status mnist", "floyd data output mnist/1")
def _versions_are_listed(_: Desk, done: Done) -> None:
    assert done.stdout.splitlines()[1].split()[:3] == ["mnist", "1", "1"]


@row(
    "floyd data clone mnist/1",
    "floyd data clone mnist/1 -p again",
)
def _the_version_is_here(desk: Desk, _: Done) -> None:
    assert (desk.root / "again/digits.csv").read_text() == "1,2,3"


@row("floyd data listfiles mnist/1")
def _its_files_are_listed(_: Desk, done: Done) -> None:
    assert "digits.csv" in done.stdout


@row("floyd data getfile mnist/1 digits.csv")
def _the_file_is_here(desk: Desk, _: Done) -> None:
    assert (desk.root / "digits.csv").read_text() == "1,2,3"


@row("floyd data add foo/projects/quick-start/3/output")
def _outputs_are_data_for_the_next_job(desk: Desk, done: Done) -> None:
    assert done.stdout.startswith("model/1"), done.stderr
    command = "find floyd/input/model/ -name model.txt"
    line = f"mldeploy run --data model/1:/floyd/input/model -- '{command}'"
    assert "floyd/input/model/" in desk.type(line).stdout


@row("floyd data delete mnist/1")
def _it_asks_before_it_removes(desk: Desk, done: Done) -> None:
    assert "--yes" in done.stderr
    assert "mnist" in desk.type("mldeploy data ls").stdout


@row("floyd data delete -y mnist/1")
def _it_is_removed(desk: Desk, done: Done) -> None:
    assert done.code == 0, done.stderr
    assert desk.type("mldeploy data ls --json").json["versions"] == []


@row("floyd version")
def _it_says_its_version(_: Desk, done: Done) -> None:
    assert done.stdout.startswith("mldeploy ")
