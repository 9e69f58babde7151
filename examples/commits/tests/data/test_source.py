from pathlib import Path

import pytest

from fix_finder.data import collect, example, git, source
from fix_finder.data.settings import Collect
from fix_finder.errors import ProjectError
from fix_finder.paths import Layout

from .repository import Repository, lines


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "project")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "shop.git")
    for number in range(6):
        subject = f"fix: private {number}" if number % 2 else f"Private step {number}"
        made.commit(subject, {"a.py": lines(number + 1)})
    return made


def params(*repositories: str | Path, minimum: int = 3) -> Collect:
    return Collect(
        repositories=tuple(map(str, repositories)),
        fix_words=("fix",),
        minimum_commits=minimum,
        time_limit_seconds=60,
    )


def test_nobody_is_named_in_what_is_written(repository: Repository, layout: Layout) -> None:
    collect.collect(params(repository.folder), layout)
    written = [path for path in layout.root.rglob("*") if path.is_file()]
    assert {path.name for path in written} == {"rows.csv", "manifest.json"}
    for path in written:
        text = path.read_text(encoding="utf-8").lower()
        assert not [word for word in ("ada", "personal", "example.org", "private") if word in text]


def test_too_few_commits_are_refused_with_the_reasons(
    repository: Repository, layout: Layout
) -> None:
    repository.commit("Nothing")
    with pytest.raises(ProjectError) as error:
        source.collect(params(repository.folder, minimum=500), layout)
    assert error.value.what == "Too few commits: 5 are usable, and at least 500 needed."
    assert "shop has 7 commits, and 5 are usable" in error.value.why
    assert "1 without parent, 1 without files" in error.value.why
    assert "Name more repositories" in error.value.do


def test_of_a_shallow_clone_the_rest_is_asked_for(
    repository: Repository, layout: Layout, tmp_path: Path
) -> None:
    address, shallow = repository.folder.as_uri(), tmp_path / "shallow"
    repository.git("clone", "--quiet", "--bare", "--depth=2", address, str(shallow))
    with pytest.raises(ProjectError, match="fetch --unshallow"):
        source.collect(params(shallow), layout)


def test_new_commits_mean_collecting_again(repository: Repository, layout: Layout) -> None:
    first = collect.collect(params(repository.folder), layout)
    assert collect.collect(params(repository.folder), layout).reused
    repository.commit("One more", {"b.py": lines(1)})
    second = collect.collect(params(repository.folder), layout)
    assert not second.reused
    assert len(second.frame) == len(first.frame) + 1


def test_several_repositories_add_up(
    repository: Repository, layout: Layout, tmp_path: Path
) -> None:
    other = Repository(tmp_path / "other")
    other.commit("Start", {"a.py": lines(1)})
    other.commit("fix", {"a.py": lines(2)})
    frame = source.collect(params(repository.folder, other.folder), layout)
    assert frame["repository"].value_counts().to_dict() == {"shop": 5, "other": 1}
    assert frame.attrs == {"repositories": 2, "without_parent": 2}


def test_an_address_is_cloned_and_brought_up_to_date(
    repository: Repository, layout: Layout
) -> None:
    address = params(repository.folder.as_uri())
    assert len(source.collect(address, layout)) == 5
    repository.commit("One more", {"b.py": lines(1)})
    assert len(source.collect(address, layout)) == 6
    repository.folder.rename(repository.folder.with_name("gone"))  # as without a network
    assert len(source.collect(address, layout)) == 6


def test_an_address_that_cannot_be_cloned_leaves_nothing_behind(
    layout: Layout, tmp_path: Path
) -> None:
    with pytest.raises(ProjectError, match="cannot be cloned"):
        source.collect(params((tmp_path / "nowhere").as_uri()), layout)
    assert not list((layout.root / "data" / "raw").iterdir())


def test_a_password_in_an_address_is_refused_and_not_repeated(layout: Layout) -> None:
    with pytest.raises(ProjectError, match="holds a password") as error:
        source.collect(params("https://ada:hunter2@example.org/shop.git"), layout)
    assert "hunter2" not in str(error.value)


def test_a_folder_inside_another_repository_is_not_taken_for_it(
    repository: Repository, layout: Layout
) -> None:
    (repository.folder / "inside").mkdir()
    with pytest.raises(ProjectError, match="not a git repository"):
        source.collect(params(repository.folder / "inside"), layout)


def test_two_repositories_of_one_name_are_refused(
    repository: Repository, layout: Layout, tmp_path: Path
) -> None:
    other = Repository(tmp_path / "mine" / "shop")
    with pytest.raises(ProjectError, match="both be called shop"):
        source.collect(params(repository.folder, other.folder), layout)


def test_the_made_up_history_is_always_the_same(layout: Layout, tmp_path: Path) -> None:
    folders = [example.make(tmp_path / name, limit=60) for name in ("one", "two")]
    heads = {git.head(folder, limit=60) for folder in folders}
    assert len(heads) == 1
    assert source.origin(params(), layout)["heads"] == {"example": heads.pop()}
    assert len(source.collect(params(), layout)) == example.COMMITS - 1
