"""The page of the service in a real browser: keyboard alone, phone width, with a key, in trouble.

The fake services show the template's own page with every kind of field and answer; the last test
opens a real one.
"""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..conftest import Workplace
from .browser import Browser, chromium
from .conftest import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.timeout(600)]

PAGE = ROOT / "template" / "src" / "{{package_name}}" / "page.py"
CASTLE: dict[str, Any] = {
    "kind": "castle", "rooms": 40, "area": 1200.5, "garden_area": None, "heating": None,
    "street": "L'allée d'Été", "has_lift": False, "is_listed": True, "renovated": None,
}  # fmt: skip
FLAT: dict[str, Any] = {
    "kind": "flat", "rooms": 3, "area": 71.25, "garden_area": 0, "heating": "heat pump",
    "street": "5 < 6", "has_lift": True, "is_listed": False, "renovated": True,
}  # fmt: skip
KEY = "sesame-7"
ANSWERED = "document.querySelector('#answer .big')"
FAILED = "document.querySelector('#answer .bad')"
FOCUS = "document.activeElement.id"


@pytest.fixture(scope="module")
def chromium_itself(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = chromium()
    if program is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with Browser(program, tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture
def browser(chromium_itself: Browser) -> Browser:
    return chromium_itself.fresh()


@pytest.fixture(scope="module")
def services(trained: Path) -> Iterator[str]:
    """Where the fake services are; they run in the environment of a generated project."""
    script = ROOT / "tests" / "template" / "fake_service.py"
    python = trained / ".venv" / "bin" / "python"
    command = [str(each) for each in (python, script, PAGE, KEY, json.dumps([CASTLE, FLAT]))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.kill()


def asked(browser: Browser) -> list[dict[str, Any]]:
    """The rows that the page has sent, one for each request."""
    requests = [event["request"] for event in browser.said("Network.requestWillBeSent")]
    bodies = [json.loads(each["postData"]) for each in requests if each["method"] == "POST"]
    return [body["rows"][0] for body in bodies]


def text(browser: Browser, selector: str = "#answer") -> str:
    found: str = browser.evaluate(f"document.querySelector({json.dumps(selector)}).innerText")
    return found.replace("\u00a0", " ")


def go_to(browser: Browser, wanted: str) -> None:
    """Press Tab until it is reached, as a person would."""
    for _ in range(40):
        if browser.evaluate(FOCUS) == wanted:
            return
        browser.press("Tab")
    raise AssertionError(f"Tab never reaches {wanted}")


def test_tab_goes_through_everything_in_the_order_that_it_is_read(
    browser: Browser, services: str
) -> None:
    browser.go(f"{services}/binary/")
    order = []
    for _ in range(13):
        browser.press("Tab")
        order.append(browser.evaluate(f"{FOCUS} || document.activeElement.tagName"))
        style = "getComputedStyle(document.activeElement)"
        assert browser.evaluate(f"{style}.outlineStyle") == "solid", order
        assert browser.evaluate(f"{style}.outlineWidth") == "3px", order
    rows = ["kind", "rooms", "area", "garden_area", "heating", "street", "renovated", "has_lift"]
    fields = [f"row-{name}" for name in [*rows, "is_listed"]]
    assert order == [*fields, "predict", "example", "SUMMARY", "DIV"]
    assert browser.evaluate("document.activeElement.getAttribute('role')") == "region"


def test_a_row_is_typed_and_asked_about_with_the_keyboard_alone(
    browser: Browser, services: str
) -> None:
    browser.go(f"{services}/binary/")
    go_to(browser, "row-kind")
    browser.write("f")  # the option that begins with it
    go_to(browser, "row-rooms")
    browser.write("3")
    go_to(browser, "row-garden_area")
    browser.write("0.5")
    go_to(browser, "row-street")
    browser.write("High Street 1")
    go_to(browser, "row-has_lift")
    browser.press("Space")
    go_to(browser, "row-area")
    browser.write("88.5")
    browser.press("Enter")
    browser.until(ANSWERED)
    typed = {"kind": "flat", "rooms": 3, "area": 88.5, "garden_area": 0.5, "has_lift": True}
    assert asked(browser) == [CASTLE | typed | {"street": "High Street 1"}]
    assert text(browser).startswith("Yes\n\n83 % sure")
    assert browser.evaluate(FOCUS) == "row-area", "the focus stays where the reader is"


def test_looking_at_the_page_asks_nothing(browser: Browser, services: str) -> None:
    browser.go(f"{services}/binary/")
    assert asked(browser) == []


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("binary", ["Yes", "83 % sure", "yes 83 %", "no 17 %", "It says yes from 31 % on"]),
        ("classes", ["fair", "73 % sure", "fair\n73 %", "</script>", "22 %", "cheap\n5 %"]),
        ("number", ["40,000", "between 36,000 and 52,000", "lower end of the 80 % interval"]),
    ],
)
def test_each_kind_of_answer_is_said_in_words(
    browser: Browser, services: str, kind: str, expected: list[str]
) -> None:
    browser.go(f"{services}/{kind}/")
    go_to(browser, "predict")
    browser.press("Space")
    browser.until(ANSWERED)
    said = text(browser)
    places = [said.find(each) for each in expected]
    assert -1 not in places, said
    assert places == sorted(places)
    assert browser.evaluate("document.querySelector('#answer').getAttribute('role')") == "status"


def test_another_example_fills_the_form_and_marks_the_answer_as_old(
    browser: Browser, services: str
) -> None:
    browser.go(f"{services}/binary/")
    go_to(browser, "example")
    browser.evaluate("ask()")
    browser.until(ANSWERED)
    assert not browser.evaluate("document.querySelector('#answer.old')")
    browser.press("Enter")
    assert text(browser, "#which") == "Example 2 of 2 filled in"
    assert browser.evaluate("document.querySelector('#answer.old') !== null")
    browser.evaluate("ask()")
    browser.until("!document.querySelector('#answer.old')")
    assert asked(browser) == [CASTLE, FLAT]


def test_the_command_for_a_terminal_asks_the_same(browser: Browser, services: str) -> None:
    browser.go(f"{services}/number/")
    words = shlex.split(browser.evaluate("document.querySelector('#curl').textContent"))
    assert words[:2] == ["curl", f"{services}/number/predict"]
    assert json.loads(words[words.index("-d") + 1]) == {"rows": [CASTLE]}


def test_a_field_left_empty_is_named_before_anything_is_sent(
    browser: Browser, services: str
) -> None:
    browser.go(f"{services}/binary/")
    go_to(browser, "row-rooms")
    browser.press("Backspace", "Enter")
    browser.until("document.querySelector('[aria-invalid=true]')")
    assert text(browser, "#row-rooms-error")
    assert browser.evaluate(FOCUS) == "row-rooms"
    assert asked(browser) == []


def test_what_the_service_refuses_is_said_beside_the_field(browser: Browser, services: str) -> None:
    browser.go(f"{services}/binary/")
    go_to(browser, "row-area")
    browser.write("0")
    go_to(browser, "row-street")
    browser.press("Enter")
    browser.until(FAILED)
    assert text(browser, "#row-area-error") == "Input should be greater than 0"
    browser.until(f"{FOCUS} === 'row-area'")
    assert browser.evaluate("document.activeElement.ariaInvalid") == "true"
    browser.write("7")
    assert text(browser, "#row-area-error") == ""


def test_a_key_is_asked_for_kept_in_the_tab_and_can_be_forgotten(
    browser: Browser, services: str
) -> None:
    browser.go(f"{services}/locked/")
    assert not browser.evaluate("document.querySelector('#unlock').checkVisibility()")
    go_to(browser, "row-rooms")
    browser.press("Enter")
    browser.until(f"{FOCUS} === 'key'")
    assert text(browser) == "This service asks for a key."
    browser.write("wrong-key")
    browser.press("Enter")
    browser.until("document.querySelector('#answer').innerText.includes('does not know')")
    browser.write("with space")
    browser.press("Enter")
    assert text(browser, "#key-error") == "A key has letters, digits and signs, and no spaces."
    browser.press(*["Backspace"] * len("with space"))
    browser.write(KEY)
    browser.press("Enter")
    browser.until(ANSWERED)
    assert browser.evaluate(FOCUS) == "predict"
    assert KEY not in browser.evaluate("document.querySelector('#curl').textContent")

    browser.go(f"{services}/locked/")
    browser.evaluate("ask()")
    browser.until(ANSWERED)
    go_to(browser, "forget")
    browser.press("Enter")
    assert browser.evaluate(FOCUS) == "predict"
    browser.press("Enter")
    browser.until(f"{FOCUS} === 'key'")


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (200, "What came back is not an answer of this model."),
        (400, "What came back is not an answer of this model."),
        (403, "This key may not use the model."),
        (404, "There is no model at this address any more."),
        (413, "The service finds this request too large."),
        (429, "Too many questions in a short time."),
        (500, "The service failed (500). Its log says why."),
        (503, "The service is busy or just starting."),
    ],
)
def test_trouble_is_a_plain_sentence(
    browser: Browser, services: str, status: int, sentence: str
) -> None:
    browser.go(f"{services}/trouble/")
    go_to(browser, "row-status")
    browser.write(str(status))
    browser.press("Enter")
    browser.until(FAILED)
    assert text(browser).startswith(sentence)
    assert browser.evaluate("document.querySelector('#predict').ariaDisabled") == "false"


def test_without_a_network_it_says_so_and_can_be_asked_again(
    browser: Browser, services: str
) -> None:
    browser.go(f"{services}/binary/")
    rest = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    browser.call("Network.emulateNetworkConditions", offline=True, **rest)
    go_to(browser, "predict")
    browser.press("Enter")
    browser.until(FAILED)
    assert text(browser).startswith("The service cannot be reached.")
    browser.call("Network.emulateNetworkConditions", offline=False, **rest)
    browser.press("Enter")
    browser.until(ANSWERED)


@pytest.mark.parametrize("kind", ["binary", "classes", "number"])
def test_on_a_phone_nothing_is_wider_than_the_screen(
    browser: Browser, services: str, kind: str
) -> None:
    browser.look(360, 640)
    browser.go(f"{services}/{kind}/")
    browser.evaluate("ask()")
    browser.until(ANSWERED)
    browser.evaluate("document.querySelector('details').open = true")
    assert browser.evaluate("document.documentElement.scrollWidth") == 360
    seen = "document.querySelector('#answer .big').getBoundingClientRect()"
    assert browser.evaluate(f"{seen}.top >= 0 && {seen}.bottom <= innerHeight"), "it is scrolled to"
    small = "[...document.querySelectorAll('button, select, input:not([type=checkbox])')]"
    small += ".filter((each) => each.checkVisibility() && each.offsetHeight < 44).length"
    assert browser.evaluate(small) == 0, "a thumb needs 44 pixels"


CONTRAST = """
(() => {
  const light = (color) => color.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
  const behind = (element) => {
    const color = getComputedStyle(element).backgroundColor;
    return color === "rgba(0, 0, 0, 0)" ? behind(element.parentElement) : color;
  };
  const isText = (node) => node.nodeType === Node.TEXT_NODE && node.data.trim();
  const texts = [...document.querySelectorAll("body *")]
    .filter((each) => each.checkVisibility() && [...each.childNodes].some(isText));
  return texts.map((each) => {
    const pair = [light(getComputedStyle(each).color), light(behind(each))].sort((a, b) => b - a);
    return [(pair[0] + 0.05) / (pair[1] + 0.05), each.outerHTML.slice(0, 60)];
  });
})()
"""


@pytest.mark.parametrize("dark", [False, True])
def test_every_text_can_be_read(browser: Browser, services: str, dark: bool) -> None:
    browser.look(1200, dark=dark)
    browser.go(f"{services}/classes/")
    browser.evaluate("document.querySelector('#row-area').value = 0; ask()")
    browser.until(FAILED)
    measured = browser.evaluate(CONTRAST)
    assert len(measured) > 30
    assert [each for each in measured if each[0] < 4.5] == []


def test_every_control_has_a_name_and_its_hint(browser: Browser, services: str) -> None:
    browser.go(f"{services}/binary/")
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    roles = {"textbox", "combobox", "spinbutton", "checkbox", "button"}
    controls = {
        node["name"]["value"]: node.get("description", {}).get("value", "")
        for node in nodes
        if not node["ignored"] and node["role"]["value"] in roles
    }
    assert "" not in controls
    assert controls["Rooms"] == "without kitchen and bath; 1 to 1,000"
    assert controls["Is listed"] == "as a monument"


def test_hostile_text_does_nothing_and_nobody_else_is_asked(
    browser: Browser, services: str
) -> None:
    browser.go(f"{services}/classes/")
    title = browser.evaluate("document.title")
    assert "<script>" in title, "it is text, and was not run"
    browser.evaluate("ask()")
    browser.until(ANSWERED)
    assert browser.evaluate("document.querySelectorAll('img, iframe').length") == 0
    assert browser.evaluate("document.title") == title
    requests = [event["request"]["url"] for event in browser.said("Network.requestWillBeSent")]
    assert [each for each in requests if not each.startswith((services, "data:"))] == []
    entries = [event["entry"] for event in browser.said("Log.entryAdded")]
    assert [each for each in entries if each["source"] == "security"] == []
    assert browser.said("Runtime.exceptionThrown") == []


def test_the_policy_stops_a_script_that_got_in_all_the_same(
    browser: Browser, services: str
) -> None:
    browser.go(f"{services}/binary/")
    browser.evaluate("document.body.append(make('script', {}, 'document.title = 3'))")
    browser.evaluate("document.body.append(make('img', {src: 'http://127.0.0.2/x'}))")
    assert browser.evaluate("document.title") != "3"
    browser.until("true")
    entries = [event["entry"]["source"] for event in browser.said("Log.entryAdded")]
    assert entries.count("security") == 2


def test_a_real_service_shows_it(browser: Browser, workplace: Workplace) -> None:
    workplace.up()
    browser.go(f"http://127.0.0.1:{workplace.port}/")
    go_to(browser, "predict")
    browser.press("Enter")
    browser.until(ANSWERED)
    assert "% sure" in text(browser)
    assert text(browser, "h1") == "function-docs"
    assert text(browser, "#target") == "Documented"
    assert text(browser, "#model").startswith("The model: version 1, made ")
    entries = [event["entry"] for event in browser.said("Log.entryAdded")]
    assert entries == []
    browser.go(f"http://127.0.0.1:{workplace.port}/docs")
    browser.until("document.querySelector('.opblock-summary-path')")
    requests = [event["request"]["url"] for event in browser.said("Network.requestWillBeSent")]
    assert not [each for each in requests if "google" in each]
