import pytest

from package_size.data.collect import collect
from package_size.errors import ProjectError
from package_size.paths import Layout

from ..conftest import Project


def test_collecting_again_gives_the_same_rows(project: Project, copied: Layout) -> None:
    again = collect(project.params.collect, copied, again=True)
    assert not again.reused
    assert again.sha256 == project.data.sha256


def test_rows_that_are_there_are_not_collected_again(project: Project) -> None:
    assert collect(project.params.collect, project.layout).reused


def test_rows_that_were_edited_are_refused(project: Project, copied: Layout) -> None:
    copied.raw.write_bytes(copied.raw.read_bytes() + b"\n")
    with pytest.raises(ProjectError, match="edited"):
        collect(project.params.collect, copied)
