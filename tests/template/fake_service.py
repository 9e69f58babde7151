"""Services without a model, that show the template's own page and answer as BentoML does.

usage: fake_service.py PAGE.PY KEY EXAMPLES      (the last as JSON; prints the port, then serves)

Run by an interpreter that has starlette and uvicorn: that of a generated project. Each kind of
answer is a service below a path of its own: /binary/, /classes/, /number/; /locked/ wants a key,
/trouble/ answers with the status that the row asks for.
"""

from __future__ import annotations

import importlib.util
import json
import socket
import sys
from collections.abc import Callable
from typing import Annotated, Any, Literal

import uvicorn
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

HOSTILE = '</script><img src=x onerror="document.title=1"><script>document.title=2</script>'


class House(BaseModel):
    """Every kind of field."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    kind: Literal["house", "flat", "castle"]
    rooms: Annotated[int, Field(ge=1, le=1_000, description="without kitchen and bath")]
    area: Annotated[float, Field(gt=0, le=10_000, description="square metres")]
    garden_area: Annotated[float | None, Field(ge=0, description=f"in {HOSTILE}")]
    heating: Literal["gas", "heat pump"] | None
    street: Annotated[str, Field(min_length=1, max_length=40)]
    has_lift: bool
    is_listed: Annotated[bool, Field(description="as a monument")]
    renovated: bool | None


class Status(BaseModel):
    """What /trouble/ shall answer with."""

    status: int


class YesNo(BaseModel):
    answer: bool
    probability: Annotated[float, Field(description="that the answer is yes")]


class Number(BaseModel):
    answer: float
    low: Annotated[float, Field(description="lower end of the 80 % interval")]
    high: Annotated[float, Field(description="upper end of the 80 % interval")]


ABOUT: dict[str, Any] = {
    "description": "What is a house worth? Learned from houses that nobody has ever seen.",
    "version": 3,
    "created_at": "2026-11-22T20:15:00+00:00",
    "git_commit": "0123456789abcdef",
    "git_dirty": True,
    "answers": {"threshold": 0.31},
    "card": [
        {
            "heading": "What it is for",
            "text": ["To show a page. It was never trained, so it is never wrong.", HOSTILE],
            "table": [],
        },
        {
            "heading": "How good it is",
            "text": ["On the rows kept aside, beside an answer that looks at nothing."],
            "table": [
                ["metric", "this model", "lower end of the interval", "upper end", "baseline"],
                ["roc_auc", "0.871", "0.852", "0.889", "0.500"],
                ["precision", "0.790", "0.761", "0.818", "0.412"],
            ],
        },
    ],
}


Ask = Callable[[Any], Response]


def yes_no(row: House) -> Response:
    big = row.rooms > 2
    return predicted(answer=big, probability=0.834 if big else 0.12)


def classes(row: House) -> Response:
    shares = {"cheap": 0.05, "fair": 0.73, HOSTILE: 0.22}
    return predicted(answer="fair", probability=0.73, probabilities=shares)


def number(row: House) -> Response:
    thousands = 1000.0 * row.rooms
    return predicted(answer=thousands, low=0.9 * thousands, high=1.3 * thousands)


def trouble(row: Status) -> Response:
    return Response("not JSON", row.status)


def predicted(**prediction: Any) -> Response:
    return JSONResponse({"predictions": [prediction]})


def service(
    page: Any, row: type[BaseModel], answer: type[BaseModel], ask: Ask, **more: Any
) -> Starlette:
    key = more.pop("key", None)

    async def predict(request: Request) -> Response:
        if key and request.headers.get("authorization") != f"Bearer {key}":
            return JSONResponse({"error": "Authorization error"}, 401)
        try:
            [sent] = json.loads(await request.body())["rows"]
            return ask(row.model_validate(sent))
        except ValidationError as error:
            faults = error.errors(include_context=False, include_input=False)
            detail = [{**fault, "loc": ("rows", 0, *fault["loc"])} for fault in faults]
            return JSONResponse({"error": "validation error", "detail": detail}, 400)

    front = page.app()
    front.state.page = page.document(f"houses {HOSTILE}", "is_dear", row, answer, ABOUT | more)
    return Starlette(routes=[Route("/predict", predict, methods=["POST"]), Mount("/", front)])


def main(path: str, key: str, examples: str) -> None:
    spec = importlib.util.spec_from_file_location("page", path)
    assert spec is not None
    assert spec.loader is not None
    page = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(page)
    houses = {"examples": json.loads(examples)}
    services = {
        "binary": service(page, House, YesNo, yes_no, **houses),
        "classes": service(page, House, YesNo, classes, **houses),
        "number": service(page, House, Number, number, **houses),
        "locked": service(page, House, YesNo, yes_no, key=key, **houses),
        "trouble": service(page, Status, YesNo, trouble),
    }
    app = Starlette(routes=[Mount(f"/{name}", each) for name, each in services.items()])
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)  # noqa: T201 - the test reads it
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


if __name__ == "__main__":
    main(*sys.argv[1:])
