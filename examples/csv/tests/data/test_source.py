import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pandas as pd
import pytest

from package_size.data import fetching, schema, source
from package_size.data.rows import COLUMNS, TARGET
from package_size.errors import ProjectError
from package_size.paths import Layout

from .. import made_up
from ..conftest import Project


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A web server on this machine that has one table, and one that breaks off."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path in ("/table.csv", "/half.csv")
            self.send_response(200 if known else 404)
            self.send_header("Content-Length", "8" if self.path != "/half.csv" else "800")
            self.end_headers()
            self.wfile.write(b"a,b\n1,2\n")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Tests print nothing."""

    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_table_becomes_rows_that_fit_their_schema(project: Project) -> None:
    frame = source.collect(project.params.collect, project.layout)
    assert len(frame) == made_up.ROWS
    assert frame.attrs == {"ragged_rows": 0, "cells_not_read": 0}
    schema.check(frame, schema.RAW)


def test_collecting_twice_gives_the_same_rows(project: Project) -> None:
    first, second = (source.collect(project.params.collect, project.layout) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)


def test_a_changed_file_is_another_origin(project: Project, tmp_path: Path) -> None:
    collect = made_up.written(tmp_path / "table.csv")
    before = source.origin(collect, project.layout)
    with Path(collect.file).open("a", encoding="utf-8") as file:
        file.write("\n")
    assert source.origin(collect, project.layout) != before


def test_the_order_of_the_columns_does_not_matter(project: Project, tmp_path: Path) -> None:
    collect = made_up.written(tmp_path / "table.csv")
    expected = source.collect(collect, project.layout)
    texts = pd.read_csv(collect.file, dtype="str", keep_default_na=False)
    texts[list(texts)[::-1]].assign(other="x").to_csv(collect.file, index=False)
    pd.testing.assert_frame_equal(source.collect(collect, project.layout), expected)


def test_a_column_that_is_gone_is_named(project: Project, tmp_path: Path) -> None:
    collect = made_up.written(tmp_path / "table.csv")
    [header] = [header for header, name in COLUMNS.items() if name == TARGET]
    texts = pd.read_csv(collect.file, dtype="str", keep_default_na=False)
    texts.rename(columns={header: f"{header}s"}).to_csv(collect.file, index=False)
    with pytest.raises(ProjectError, match="has no column") as error:
        source.collect(collect, project.layout)
    assert f"{header}s" in error.value.why


def test_the_example_is_made_when_it_is_not_there(project: Project, tmp_path: Path) -> None:
    example = project.params.collect.model_copy(update={"file": "data/source/example.csv"})
    path = fetching.located(example, Layout(tmp_path))
    assert path == tmp_path / "data/source/example.csv"
    assert path.read_text(encoding="utf-8-sig").startswith("Ad no.;")


def test_a_file_that_is_not_there_is_named(project: Project, tmp_path: Path) -> None:
    elsewhere = project.params.collect.model_copy(update={"file": "data/source/houses.csv"})
    with pytest.raises(ProjectError, match=r"houses\.csv is not here") as error:
        fetching.located(elsewhere, Layout(tmp_path))
    assert str(tmp_path / "data/source/houses.csv") in error.value.do


def test_a_file_that_is_not_there_is_fetched_from_its_address(
    project: Project, tmp_path: Path, address: str
) -> None:
    update = {"file": "data/source/table.csv", "url": f"{address}/table.csv"}
    path = fetching.located(project.params.collect.model_copy(update=update), Layout(tmp_path))
    assert path.read_bytes() == b"a,b\n1,2\n"


@pytest.mark.parametrize("name", ["nothing.csv", "half.csv"])
def test_an_address_that_fails_leaves_no_file(tmp_path: Path, address: str, name: str) -> None:
    with pytest.raises(ProjectError, match="cannot be fetched") as error:
        fetching.fetched(f"{address}/{name}", tmp_path / "table.csv")
    assert error.value.why
    assert list(tmp_path.iterdir()) == []


def test_a_table_that_is_too_large_is_not_fetched(
    tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "MOST_BYTES", 3)
    with pytest.raises(ProjectError, match="cannot be fetched"):
        fetching.fetched(f"{address}/table.csv", tmp_path / "table.csv")


def test_other_addresses_than_of_the_web_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="cannot be fetched"):
        fetching.fetched("file:///etc/hostname", tmp_path / "table.csv")
