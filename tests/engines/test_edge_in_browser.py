"""A service's page behind the edge, in a real browser: id and password, then no more questions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mldeploy.edge import Edge
from tests.conftest import until
from tests.engines.edge_bench import Bench
from tests.template.browser import Browser, chromium

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path, Edge())
    try:
        bench.serve(bench.replica("one"))
        bench.start()
        until(bench.ready)
        yield bench
    finally:
        bench.end()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    program = chromium()
    if program is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with Browser(program, tmp_path / "profile") as browser:
        yield browser.fresh()


def asked(headers: str) -> str:
    """What the page's script does with its own field for a key."""
    request = (
        f"fetch(location.origin + '/predict', {{method: 'POST', body: '{{}}', headers: {headers}}})"
    )
    return f"{request}.then(async (answer) => [answer.status, (await answer.json()).error?.code])"


def test_a_page_opened_with_id_and_password_needs_no_key_of_its_own(
    bench: Bench, browser: Browser
) -> None:
    where = f"127.0.0.1:{bench.edge.http_port}/"
    browser.call("Page.navigate", url=f"http://{bench.key.id}:{bench.key.password}@{where}")
    browser.until("document.body?.textContent.includes('replica')")
    assert browser.evaluate(asked("{}")) == [200, None]
    wrong = "{Authorization: 'Bearer wrong'}"
    assert browser.evaluate(asked(wrong)) == [401, "no-key"]
    good = f"{{Authorization: 'Bearer {bench.key.key}'}}"
    assert browser.evaluate(asked(good)) == [200, None]
    # Chromium forgets id and password with any 401: now the page's field asks, as it does at first.
    assert browser.evaluate(asked("{}")) == [401, "no-key"]
