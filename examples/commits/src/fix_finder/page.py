"""The page at `/`: a form made from the schema, the answer in plain words, the model card.

It is what you send to a friend: page.html with its script in it, and what it shows as JSON. It
needs no library and no other address. It is open to whoever can reach it, even where the service
asks for a key: card and examples must hold nothing that is secret.
"""

import base64
import hashlib
import html
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pydantic_core
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

HERE = Path(__file__).parent
SCRIPTS = ("page_form.js", "page_ask.js", "page_answer.js", "page_card.js")  # parts of one
SCRIPT = "\n".join((HERE / name).read_text(encoding="utf-8") for name in SCRIPTS)
HTML = (HERE / "page.html").read_text(encoding="utf-8").replace("%SCRIPT%", SCRIPT)

# BentoML's own page for trying out the API has a tracker of Google's in it; this one has not.
DOCS = """<!doctype html><html lang="en"><meta charset="utf-8"><title>API</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="static_content/swagger-ui.css">
<div id="api"></div><script src="static_content/swagger-ui-bundle.js"></script>
<script>SwaggerUIBundle({url: "docs.json", dom_id: "#api"})</script></html>"""

# JSON schema's words for limits, and HTML's.
LIMITS = {
    "minimum": "min",
    "exclusiveMinimum": "min",
    "maximum": "max",
    "exclusiveMaximum": "max",
    "multipleOf": "step",
    "minLength": "minlength",
    "maxLength": "maxlength",
}


def app() -> Starlette:
    """Serves the page that the service puts into `state.page`, and the API's documentation."""
    return Starlette(routes=[Route("/", _page), Route("/docs", _docs)])


def document(
    title: str, target: str, row: type[BaseModel], answer: type[BaseModel], about: Mapping[str, Any]
) -> str:
    """The whole page; `about` is what model.json says."""
    description = str(about.get("description", ""))
    facts = {
        "title": title,
        "description": description,
        "target": label(target),
        "fields": fields(row.model_json_schema()),
        "answer": {
            name: part.get("description", "")
            for name, part in answer.model_json_schema()["properties"].items()
        },
        "threshold": about.get("answers", {}).get("threshold"),
        **{name: about.get(name, []) for name in ("examples", "card")},
        "model": {
            name: about.get(name) for name in ("version", "created_at", "git_commit", "git_dirty")
        },
    }
    # JSON has no NaN, and `</script>` in a text would end the element that the JSON stands in.
    json = pydantic_core.to_json(facts, inf_nan_mode="null").decode().replace("<", "\\u003c")
    parts = {"TITLE": html.escape(title), "DESCRIPTION": html.escape(description), "FACTS": json}
    return re.sub("%(TITLE|DESCRIPTION|FACTS)%", lambda found: parts[found[1]], HTML)


def fields(schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the form asks for, in the order of the schema."""
    shared = schema.get("$defs", {})
    return [field(name, part, shared) for name, part in schema["properties"].items()]


def field(name: str, part: Mapping[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    """One control: its kind (choice, yesno, number, text), and its limits as HTML attributes."""
    options = [_resolve(each, shared) for each in part.get("anyOf", [part])]
    kinds = [each for each in options if each.get("type") != "null"]
    optional = len(kinds) < len(options)
    kind = kinds[0] if kinds else {}
    limits = {LIMITS[word]: value for word, value in kind.items() if word in LIMITS}
    control: dict[str, Any] = {"name": name, "label": label(name), "optional": optional}
    if "enum" in kind or "const" in kind:
        control |= {"kind": "choice", "choices": kind.get("enum") or [kind["const"]]}
    elif kind.get("type") == "boolean":
        control |= {"kind": "choice", "choices": [True, False]} if optional else {"kind": "yesno"}
    elif kind.get("type") in ("integer", "number"):
        control |= {"kind": "number"}
        limits = {"step": 1 if kind["type"] == "integer" else "any", **limits}
    else:
        control |= {"kind": "text"}
    empty = "may be empty" if optional and control["kind"] != "choice" else ""
    required = not optional and (control["kind"] in ("choice", "number") or "minlength" in limits)
    control["limits"] = limits | ({"required": ""} if required else {})
    control["hint"] = "; ".join(filter(None, [part.get("description"), _range(limits), empty]))
    return control


def label(name: str) -> str:
    """A column's name as people write it."""
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def _resolve(part: Mapping[str, Any], shared: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema itself where only its name stands, as for an Enum."""
    found: Mapping[str, Any] = shared[part["$ref"].rpartition("/")[2]] if "$ref" in part else part
    return found


def _range(limits: Mapping[str, Any]) -> str:
    low, high = (
        f"{limits[end]:,}".removesuffix(".0") if end in limits else "" for end in ("min", "max")
    )
    if low and high:
        return f"{low} to {high}"
    return f"{low} or more" if low else f"{high} or less" if high else ""


def _page(request: Request) -> HTMLResponse:
    policy = f"script-src {_hash('script', HTML)}; style-src {_hash('style', HTML)}"
    return _answer(request.app.state.page, f"default-src 'none'; {policy}; connect-src 'self'")


def _docs(_: Request) -> HTMLResponse:
    policy = f"script-src 'self' {_hash('script', DOCS)}; style-src 'self' 'unsafe-inline'"
    return _answer(DOCS, f"default-src 'self'; {policy}")


def _answer(content: str, policy: str) -> HTMLResponse:
    """The policy lets only the page's own script run, and lets it talk only to this service."""
    policy += "; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    headers = {"cache-control": "no-store", "content-security-policy": policy}
    more = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}
    return HTMLResponse(content, headers=headers | more)


def _hash(element: str, content: str) -> str:
    """Of the text between <element> and its end, as a Content-Security-Policy names it."""
    [text] = re.findall(f"<{element}>(.*?)</{element}>", content, re.DOTALL)
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
