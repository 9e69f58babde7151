"""`mldeploy update` for real: a template with versions, a project made from it, a user's edits."""

from __future__ import annotations

import os
import shutil
import subprocess
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import copier
import pytest
from uv import find_uv_bin

from mldeploy.cli.main import run
from mldeploy.worktree import Conflict, Tree
from tests.conftest import MLDEPLOY, SETTINGS, Done, until

pytestmark = pytest.mark.slow

Update = Callable[..., Done]
QUESTIONS = """\
_subdirectory: template
_skip_if_exists: [uv.lock]
colour:
  type: str
  default: red
  choices: [red, green]
size:
  type: int
  default: 3
  validator: "{% if size > 9 %}At most 9.{% endif %}"
"""
FIRST = {
    "copier.yml": QUESTIONS,
    "template/{{_copier_conf.answers_file}}.jinja": "{{ _copier_answers | to_nice_yaml -}}\n",
    "template/mldeploy.toml": SETTINGS,
    "template/pyproject.toml": '[project]\nname = "a"\nversion = "0.1.0"\n'
    'requires-python = ">=3.11"\ndependencies = []\n',
    "template/.gitignore": "/data/\n.venv/\n",
    "template/README.md.jinja": "# A {{ colour }} project\n\nfirst line\n\nlast line\n",
    "template/code.py": "one = 1\n\n\n\n\n\ntwo = 2\n",
    "template/example.py": "print('an example')\n",
    "template/old.py": "old = True\n",
}
SECOND = {
    "template/.gitignore": "/datasets/\n.venv/\n",  # what was ignored no longer is
    "template/README.md.jinja": "# A {{ colour }} project\n\nbetter line\n\nlast line\n",
    "template/code.py": "one = 1\n\n\n\n\n\ntwo = 22\n",
    "template/example.py": "print('a better example')\n",
    "template/docs/a [new] page.md": "new\n",
    "template/added.py": "added = True\n",
}


def git(folder: Path, *words: str) -> str:
    return subprocess.run(
        ["git", *words], cwd=folder, capture_output=True, text=True, check=True, timeout=30
    ).stdout.strip()


def commit(folder: Path, files: dict[str, str], tag: str = "") -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "-q", "-m", tag or "Change")
    if tag:
        git(folder, "tag", tag)


def render(template: str | Path, place: Path, ref: str | None) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Copier's, about uncommitted changes
        copier.run_copy(str(template), place, defaults=True, vcs_ref=ref, quiet=True, unsafe=False)
    git(place, "init", "-q")
    commit(place, {})
    return place


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of a template with the tags v1.0.0 and v2.0.0; not to be changed."""
    folder = tmp_path_factory.mktemp("versions")
    git(folder, "init", "-q")
    commit(folder, FIRST, "v1.0.0")
    (folder / "template/old.py").unlink()
    commit(folder, SECOND, "v2.0.0")
    return folder


@pytest.fixture(scope="session")
def rendered(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render(template, tmp_path_factory.mktemp("made") / "project", "v1.0.0")


@pytest.fixture
def project(rendered: Path, tmp_path: Path) -> Path:
    """A committed project made from v1.0.0, with data that git ignores."""
    place = shutil.copytree(rendered, tmp_path / "project")
    (place / "data").mkdir()
    (place / "data/mine.csv").write_text("precious\n")
    return place


@pytest.fixture
def update(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Update:
    """Types `mldeploy update` in a folder; in this process, which has loaded Copier already."""

    def typed(folder: Path, *words: str, **env: str) -> Done:
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(folder)
        capfd.readouterr()
        code = run(["update", *words])
        return Done(code, *capfd.readouterr())

    return typed


def undo(folder: Path, command: str) -> None:
    subprocess.run(command, cwd=folder, shell=True, check=True, timeout=60)  # noqa: S602


def assert_untouched(project: Path, head: str) -> None:
    assert git(project, "status", "--porcelain") == ""
    assert git(project, "rev-parse", "HEAD") == head
    assert (project / "data/mine.csv").read_text() == "precious\n"


@pytest.mark.slow
def test_edits_and_the_new_version_are_both_there(project: Path, update: Update) -> None:
    commit(project, {"code.py": "one = 111\n\n\n\n\n\ntwo = 2\n"})

    done = update(project, "--json")

    assert done.code == 0, done.stderr
    assert (project / "code.py").read_text() == "one = 111\n\n\n\n\n\ntwo = 22\n"
    assert "_commit: v2.0.0" in (project / ".copier-answers.yml").read_text()
    found = done.json
    assert (found["from"], found["to"]) == ("v1.0.0", "v2.0.0")
    assert set(found["changed"]) == {
        ".copier-answers.yml", ".gitignore", "README.md", "code.py", "example.py",
    }  # fmt: skip
    assert set(found["new"]) == {"added.py", "docs/a [new] page.md"}  # data/ was there before
    assert found["deleted"] == ["old.py"]
    assert found["conflicts"] == []
    assert found["locked"] is False


def test_what_an_update_did_can_be_taken_back(project: Path, update: Update) -> None:
    head = git(project, "rev-parse", "HEAD")
    done = update(project, "--json")

    undo(project, done.json["undo"])

    assert_untouched(project, head)
    assert not (project / "docs").exists()


def test_a_conflict_names_its_files_and_ends_with_1(project: Path, update: Update) -> None:
    commit(project, {"README.md": "# A red project\n\nmy line\n\nlast line\n"})
    head = git(project, "rev-parse", "HEAD")

    done = update(project)

    assert done.code == 1
    assert "conflict  README.md, line 3" in done.stdout
    assert "git add README.md" in done.stdout
    assert git(project, "status", "--porcelain", "README.md") == "UU README.md"
    assert "my line" in (project / "README.md").read_text()
    assert "better line" in (project / "README.md").read_text()
    undo(project, done.stdout.splitlines()[-1].strip())
    assert_untouched(project, head)


@pytest.mark.slow
def test_a_resolved_conflict_can_be_committed_as_told(project: Path, update: Update) -> None:
    commit(project, {"README.md": "# A red project\n\nmy line\n\nlast line\n"})
    told = update(project).stdout.splitlines()
    steps = [line.partition(". ")[2] for line in told if line.strip()[:2] in ("2.", "3.")]

    (project / "README.md").write_text("# A red project\n\nour line\n\nlast line\n")
    undo(project, " && ".join(steps))

    assert git(project, "status", "--porcelain") == ""
    assert update(project, "--json").json["to"] == "v2.0.0"


@pytest.mark.slow
def test_the_same_file_made_by_both_is_a_conflict_that_can_be_taken_back(
    project: Path, update: Update
) -> None:
    commit(project, {"added.py": "mine = True\n"})
    head = git(project, "rev-parse", "HEAD")

    done = update(project, "--json")

    assert done.code == 1
    assert [each["path"] for each in done.json["conflicts"]] == ["added.py"]
    undo(project, done.json["undo"])
    assert_untouched(project, head)


@pytest.mark.slow
def test_what_the_user_deleted_stays_gone(project: Path, update: Update) -> None:
    (project / "example.py").unlink()
    commit(project, {})

    done = update(project)

    assert done.code == 0, done.stderr
    assert not (project / "example.py").exists()


def test_at_the_newest_version_nothing_is_touched(project: Path, update: Update) -> None:
    update(project)
    commit(project, {})
    before = {path: path.stat().st_mtime_ns for path in project.rglob("*.py")}

    done = update(project)

    assert done.code == 0
    assert done.stdout.startswith("Nothing to update: the project is at v2.0.0")
    assert {path: path.stat().st_mtime_ns for path in project.rglob("*.py")} == before


def test_a_tree_with_changes_is_refused_and_they_are_named(project: Path, update: Update) -> None:
    (project / "code.py").write_text("one = 0\n")
    (project / "notes.txt").write_text("mine\n")

    done = update(project, "--json")

    assert done.code == 1
    error = done.json["error"]
    assert error["code"] == "dirty-tree"
    assert "code.py" in error["why"]
    assert "notes.txt" in error["why"]
    assert "git stash" in error["do"]
    assert (project / "code.py").read_text() == "one = 0\n"


@pytest.mark.slow
def test_an_update_before_the_last_is_committed_is_refused(project: Path, update: Update) -> None:
    update(project)

    done = update(project, "--json")

    assert done.code == 1
    assert done.json["error"]["code"] == "unfinished-update"


@pytest.mark.slow
def test_another_answer_is_rendered_anew(project: Path, update: Update) -> None:
    done = update(project, "--ref", "v1.0.0", "--set", "colour=green", "--json")

    assert done.code == 0, done.stdout
    assert (project / "README.md").read_text().startswith("# A green project")
    assert "colour: green" in (project / ".copier-answers.yml").read_text()
    assert done.json["to"] == "v1.0.0"


@pytest.mark.parametrize(
    ("words", "code", "exit_code"),
    [
        (["--set", "colour=blue"], "bad-answer", 2),
        (["--set", "size=12"], "bad-answer", 2),
        (["--set", "size=many"], "bad-answer", 2),
        (["--set", "color=green"], "no-such-question", 2),
        (["--set", "green"], "usage", 2),
        (["--ref", "v9.9.9"], "no-such-ref", 2),
    ],
)
def test_what_is_refused_leaves_the_project_as_it_was(
    project: Path, update: Update, words: list[str], code: str, exit_code: int
) -> None:
    head = git(project, "rev-parse", "HEAD")

    done = update(project, *words, "--json")

    assert done.json["error"]["code"] == code, done.stdout
    assert done.code == exit_code
    assert_untouched(project, head)


@pytest.mark.slow
def test_an_older_version_is_refused(project: Path, update: Update) -> None:
    update(project)
    commit(project, {})

    done = update(project, "--ref", "v1.0.0", "--json")

    assert (done.code, done.json["error"]["code"]) == (2, "older-version")
    assert git(project, "status", "--porcelain") == ""


def break_no_project(project: Path) -> None:
    (project / "mldeploy.toml").unlink()


def break_no_answers(project: Path) -> None:
    (project / ".copier-answers.yml").unlink()


def break_no_version(project: Path) -> None:
    answers = project / ".copier-answers.yml"
    answers.write_text(answers.read_text().replace("_commit: v1.0.0\n", ""))


def break_no_yaml(project: Path) -> None:
    (project / ".copier-answers.yml").write_text("a: [\n")


def break_no_git(project: Path) -> None:
    shutil.rmtree(project / ".git")


def break_no_commit(project: Path) -> None:
    shutil.rmtree(project / ".git")
    git(project, "init", "-q")


def break_template_gone(project: Path) -> None:
    answers = project / ".copier-answers.yml"
    commit(project, {".copier-answers.yml": "_commit: v1.0.0\n_src_path: /nowhere/at/all\n"})
    assert answers.exists()


def break_version_gone(project: Path) -> None:
    answers = (project / ".copier-answers.yml").read_text()
    commit(project, {".copier-answers.yml": answers.replace("v1.0.0", "abcdef1")})


@pytest.mark.parametrize(
    ("spoil", "code", "exit_code"),
    [
        (break_no_project, "not-a-project", 2),
        (break_no_answers, "no-template", 1),
        (break_no_version, "no-version", 1),
        (break_no_yaml, "no-version", 1),
        (break_no_git, "not-in-git", 1),
        (break_no_commit, "not-in-git", 1),
        (break_template_gone, "template-unreachable", 1),
        (break_version_gone, "version-gone", 1),
    ],
)
def test_each_reason_why_it_cannot_be_has_its_own_words(
    project: Path, update: Update, spoil: Any, code: str, exit_code: int
) -> None:
    spoil(project)

    done = update(project, "--json")

    assert done.json["error"]["code"] == code, done.stdout
    assert done.code == exit_code
    assert all(done.json["error"][part] for part in ("what", "why", "do"))


def test_without_git_it_says_so(project: Path, update: Update, tmp_path: Path) -> None:
    done = update(project, "--json", PATH=str(tmp_path / "nothing"))

    assert done.json["error"]["code"] == "no-git"


@pytest.mark.slow
def test_a_checkout_without_tags_is_followed_to_its_head(tmp_path: Path, update: Update) -> None:
    checkout = tmp_path / "template"
    checkout.mkdir()
    git(checkout, "init", "-q")
    commit(checkout, FIRST)
    project = render(checkout, tmp_path / "project", "HEAD")
    assert update(project, "--json").json["to"] == git(checkout, "describe", "--always")
    commit(checkout, SECOND)
    (checkout / "template/code.py").write_text("not = committed\n")

    done = update(project, "--json")

    assert done.code == 0, done.stdout
    assert done.json["to"] == git(checkout, "describe", "--always")
    assert "two = 22" in (project / "code.py").read_text()
    assert "uncommitted changes: they are not part" in done.stderr


@pytest.mark.slow
def test_a_project_made_from_uncommitted_changes_is_told_so(tmp_path: Path, update: Update) -> None:
    checkout = tmp_path / "template"
    checkout.mkdir()
    git(checkout, "init", "-q")
    commit(checkout, FIRST)
    (checkout / "template/code.py").write_text("not = committed\n")
    project = render(checkout, tmp_path / "project", "HEAD")

    done = update(project, "--json")

    assert done.json["error"]["code"] == "version-gone"


@pytest.mark.slow
def test_a_published_template_is_followed_to_its_latest_tag(
    template: Path, tmp_path: Path, update: Update
) -> None:
    """Copier keeps a clone of it in a cache, as of any address that is no folder."""
    bare = tmp_path / "published.git"
    git(template, "clone", "-q", "--bare", str(template), str(bare))
    project = render(f"file://{bare}", tmp_path / "project", "v1.0.0")
    git(bare, "tag", "v3.0.0rc1", "v2.0.0")
    git(bare, "tag", "-a", "v1.9.0", "-m", "Annotated", "v1.0.0")

    done = update(project, "--json")
    commit(project, {})
    again = update(project, "--json")

    assert done.code == 0, done.stdout
    assert "two = 22" in (project / "code.py").read_text()
    assert (again.code, again.json["changed"]) == (0, [])


@pytest.mark.slow
def test_a_template_that_wants_to_run_code_is_refused(
    template: Path, tmp_path: Path, update: Update
) -> None:
    checkout = shutil.copytree(template, tmp_path / "template")
    project = render(checkout, tmp_path / "project", "v2.0.0")
    commit(checkout, {"copier.yml": QUESTIONS + "_tasks: [touch ran]\n"}, "v3.0.0")

    done = update(project, "--json")

    assert done.json["error"]["code"] == "template-untrusted"
    assert git(project, "status", "--porcelain") == ""


@pytest.mark.slow
def test_a_question_that_is_new_and_has_no_default_is_named(
    template: Path, tmp_path: Path, update: Update
) -> None:
    checkout = shutil.copytree(template, tmp_path / "template")
    project = render(checkout, tmp_path / "project", "v2.0.0")
    commit(checkout, {"copier.yml": QUESTIONS + "owner:\n  type: str\n"}, "v3.0.0")

    refused = update(project, "--json")
    answered = update(project, "--set", "owner=Ann", "--json")

    assert refused.json["error"]["code"] == "bad-answer"
    assert refused.json["error"]["do"] == "mldeploy update --set owner=VALUE"
    assert answered.code == 0, answered.stdout
    assert "owner: Ann" in (project / ".copier-answers.yml").read_text()


@pytest.mark.slow
def test_a_project_in_a_larger_repository_leaves_the_rest_alone(
    rendered: Path, tmp_path: Path, update: Update
) -> None:
    git(tmp_path, "init", "-q")
    project = shutil.copytree(rendered, tmp_path / "models/project")
    shutil.rmtree(project / ".git")
    commit(tmp_path, {"other/notes.md": "committed\n"})
    (tmp_path / "other/notes.md").write_text("being edited\n")
    (tmp_path / "other/new.md").write_text("new\n")

    done = update(project, "--json")
    assert done.code == 0, done.stdout
    assert "code.py" in done.json["changed"]
    undo(project, done.json["undo"])

    assert git(tmp_path, "status", "--porcelain") == "M other/notes.md\n?? other/new.md"
    assert (tmp_path / "other/notes.md").read_text() == "being edited\n"


def test_the_lock_follows_the_dependencies(template: Path, tmp_path: Path, update: Update) -> None:
    checkout = shutil.copytree(template, tmp_path / "template")
    project = render(checkout, tmp_path / "project", "v2.0.0")
    subprocess.run([find_uv_bin(), "lock", "-q", "--offline"], cwd=project, check=True, timeout=60)
    commit(project, {})
    metadata = FIRST["template/pyproject.toml"].replace("0.1.0", "0.2.0")
    commit(checkout, {"template/pyproject.toml": metadata}, "v3.0.0")

    done = update(project, "--json", UV_OFFLINE="1")

    assert done.code == 0, done.stdout
    assert done.json["locked"] is True
    assert 'version = "0.2.0"' in (project / "uv.lock").read_text()
    assert done.json["undo"].endswith("uv sync")


@pytest.mark.slow
def test_a_lock_that_cannot_follow_is_told_and_the_merge_stays(
    template: Path, tmp_path: Path, update: Update
) -> None:
    checkout = shutil.copytree(template, tmp_path / "template")
    project = render(checkout, tmp_path / "project", "v2.0.0")
    commit(project, {"uv.lock": "version = 1\n"})
    wants = FIRST["template/pyproject.toml"].replace("[]", '["requests>=2"]')
    commit(checkout, {"template/pyproject.toml": wants}, "v3.0.0")
    offline = {"UV_OFFLINE": "1", "UV_CACHE_DIR": str(tmp_path / "cache")}

    done = update(project, "--json", **offline)

    assert done.code == 1
    error = done.json["error"]
    assert error["code"] == "update-unfinished"
    assert error["do"].startswith("uv lock && uv sync")
    assert "requests" in (project / "pyproject.toml").read_text()


@pytest.mark.slow
def test_after_a_conflict_about_dependencies_all_of_them_are_installed(
    template: Path, tmp_path: Path, update: Update
) -> None:
    """Also those that a lock cannot hold, which `uv sync` takes away."""
    checkout = shutil.copytree(template, tmp_path / "template")
    project = render(checkout, tmp_path / "project", "v2.0.0")
    metadata = FIRST["template/pyproject.toml"]
    mine = {"pyproject.toml": metadata.replace("0.1.0", "0.9.0")}
    commit(project, mine | {"requirements-unlocked.txt": "torch==2.9.0\n"})
    theirs = {"template/pyproject.toml": metadata.replace("0.1.0", "0.2.0")}
    commit(checkout, theirs, "v3.0.0")

    done = update(project)

    assert done.code == 1
    assert (
        "uv lock && uv sync && uv pip install --python .venv -r requirements-unlocked.txt\n"
        in done.stdout
    )


def test_ctrl_c_in_the_middle_brings_back_what_was_there(project: Path) -> None:
    commit(project, {"README.md": "# A red project\n\nmy line\n\nlast line\n"})
    head = git(project, "rev-parse", "HEAD")
    process = subprocess.Popen(
        [MLDEPLOY, "update"],
        cwd=project,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until(lambda: (project / "added.py").exists())  # the first files of the new version are there

    os.killpg(process.pid, 2)
    _, said = process.communicate(timeout=30)

    assert process.returncode == 130, said
    assert "The project is as it was before the update." in said
    assert "Traceback" not in said
    assert_untouched(project, head)


def test_a_rejected_hunk_counts_as_a_conflict_and_older_ones_do_not(project: Path) -> None:
    commit(project, {".gitignore": "/data/\n*.rej\n"})
    (project / "data/older.rej").write_text("of something else\n")
    tree = Tree(project)

    (project / "code.py.rej").write_text("@@ -1 +1 @@\n")

    assert tree.difference().conflicts == (Conflict("code.py.rej", None),)


@pytest.mark.slow
def test_each_step_is_explained_as_a_command(project: Path, update: Update) -> None:
    said = update(project, "--explain").stderr

    assert "$ copier update --defaults --vcs-ref" in said
