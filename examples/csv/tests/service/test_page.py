import base64
import hashlib
import json
import re
from enum import Enum
from html.parser import HTMLParser
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, create_model
from starlette.testclient import TestClient

from package_size import PROJECT, page
from package_size.data.rows import TARGET, Row
from package_size.model.answers import Prediction

from ..conftest import Project

HOSTILE = "</script><script>alert(1)</script><!-- <script> \" ' & \u2028"


class Elements(HTMLParser):
    """What a browser sees in a page: attributes, and the text of scripts and styles."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.attributes: list[tuple[str, str, str | None]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_data(self, data: str) -> None:
        if self.cdata_elem:
            self.texts.append((self.cdata_elem, data))


def facts(content: str) -> dict[str, Any]:
    """What the page's script reads."""
    found: dict[str, Any] = json.loads(Elements(content).texts[1][1])
    return found


def field(kind: Any) -> dict[str, Any]:
    made: type[BaseModel] = create_model("made", name=(kind, ...))
    [found] = page.fields(made.model_json_schema())
    return found


def test_the_service_shows_its_page(client: TestClient, project: Project) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    shown = facts(answer.text)
    about = json.loads((project.layout.champion / "model.json").read_text(encoding="utf-8"))
    assert shown["title"] == PROJECT
    assert shown["model"]["version"] == about["version"]
    assert [each["name"] for each in shown["fields"]] == list(Row.model_fields)


def test_an_example_on_the_page_is_answered(client: TestClient) -> None:
    examples = facts(client.get("/").text)["examples"]
    assert examples
    assert client.post("/predict", json={"rows": examples}).status_code == 200


def test_it_loads_nothing_from_anywhere(client: TestClient) -> None:
    content = client.get("/").text
    attributes = Elements(content).attributes
    addresses = [str(value) for _, name, value in attributes if name in ("href", "src")]
    assert [each for each in addresses if not each.startswith("data:")] == ["docs"]
    assert not re.search(r"url\(|@import", content.partition("</style>")[0])


def test_its_policy_lets_only_its_own_script_and_style_run(client: TestClient) -> None:
    answer = client.get("/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    style, _, script = Elements(answer.text).texts
    for kind, text in (style, script):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    names = [name for _, name, _ in Elements(answer.text).attributes]
    assert not [name for name in names if name == "style" or name.startswith("on")]


def test_the_documentation_of_the_api_is_beside_it(client: TestClient) -> None:
    answer = client.get("/docs")
    sources = [value for _, name, value in Elements(answer.text).attributes if name == "src"]
    assert [client.get(f"/{source}").status_code for source in sources] == [200]
    assert "default-src 'self'" in answer.headers["content-security-policy"]


def test_no_text_can_become_part_of_the_page() -> None:
    row = create_model("Hostile", name=(Annotated[str, Field(description=HOSTILE)], ...))
    card = [{"heading": HOSTILE, "text": [HOSTILE, "%FACTS%"], "table": [[HOSTILE]]}]
    about = {"description": HOSTILE, "card": card, "examples": [{"name": HOSTILE}]}
    content = page.document(HOSTILE, TARGET, row, Prediction, about)
    assert [tag for tag, _ in Elements(content).texts] == ["style", "script", "script"]
    shown = facts(content)
    assert shown["card"] == card
    assert shown["fields"][0]["hint"] == shown["description"] == shown["title"] == HOSTILE


@pytest.mark.parametrize("more", [[], ["probability"], ["probability", "probabilities"], ["low"]])
def test_the_parts_of_an_answer_are_explained(more: list[str]) -> None:
    parts: dict[str, Any] = {
        name: (Annotated[float, Field(description=f"about {name}")], ...) for name in more
    }
    answer = create_model("Answer", answer=(float, ...), **parts)
    shown = facts(page.document(PROJECT, TARGET, Row, answer, {}))
    assert shown["answer"] == {"answer": ""} | {name: f"about {name}" for name in more}


def test_a_number_that_json_does_not_have_is_left_out() -> None:
    about = {"examples": [{"size": float("nan")}]}
    assert facts(page.document(PROJECT, TARGET, Row, Prediction, about))["examples"] == [
        {"size": None}
    ]


@pytest.mark.parametrize(
    ("kind", "control", "limits"),
    [
        (Literal["a", "b"], "choice", {"required": ""}),
        (Literal["a", "b"] | None, "choice", {}),
        (Enum("Size", {"SMALL": "s"}), "choice", {"required": ""}),
        (bool, "yesno", {}),
        (bool | None, "choice", {}),
        (int, "number", {"step": 1, "required": ""}),
        (Annotated[float, Field(ge=0, le=9)], "number",
         {"step": "any", "min": 0, "max": 9, "required": ""}),
        (Annotated[float | None, Field(ge=0.5)], "number", {"step": "any", "min": 0.5}),
        (str, "text", {}),
        (Annotated[str, Field(min_length=1, max_length=5)], "text",
         {"minlength": 1, "maxlength": 5, "required": ""}),
    ],
)  # fmt: skip
def test_a_field_becomes_the_control_that_fits(kind: Any, control: str, limits: Any) -> None:
    made = field(kind)
    assert (made["kind"], made["limits"]) == (control, limits)


def test_what_a_number_may_be_stands_beside_it() -> None:
    assert field(Annotated[int, Field(ge=1, le=9000)])["hint"] == "1 to 9,000"
    size = Annotated[float | None, Field(ge=2.5, description="in metres")]
    assert field(size)["hint"] == "in metres; 2.5 or more; may be empty"
