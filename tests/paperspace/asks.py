"""A client that knows nothing of mldeploy, for the stand-in's own tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.paperspace.standin import Paperspace

MACHINE = {
    "name": "mldeploy-a",
    "machineType": "C5",
    "templateId": "t0nspur5",
    "diskSize": 50,
    "region": "ny2",
    "publicIpType": "dynamic",
    "emailPassword": False,
}


class Asks:
    """Each method answers what the API told; a refusal is an answer too."""

    def __init__(self, paperspace: Paperspace, client: httpx.Client) -> None:
        self.paperspace, self.client = paperspace, client

    def __call__(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        return self.response(method, path, body, **query).json()

    def response(self, method: str, path: str, body: Any = None, **query: Any) -> httpx.Response:
        sent = {} if body is None else {"json": body}
        return self.client.request(method, path, params=query or None, **sent)

    def code(self, method: str, path: str, body: Any = None, **query: Any) -> str:
        """Of the refusal that this call must get; its HTTP status is the code's."""
        from tests.paperspace.refusals import STATUS

        response = self.response(method, path, body, **query)
        code: str = response.json()["code"]
        assert response.status_code == STATUS[code]
        return code

    def order(self, **changes: Any) -> Any:
        """As a good client: availability first. The answer, or the refusal."""
        wanted = MACHINE | changes
        about = {"machineType": wanted["machineType"], "region": wanted["region"]}
        self("GET", "/machine-availability", **about)
        return self("POST", "/machines", wanted)

    def machine(self, **changes: Any) -> str:
        """The id of one that is ready and has its address."""
        machine_id: str = self.order(**changes)["data"]["id"]
        self.paperspace.settle()
        return machine_id

    def state(self, machine_id: str) -> str:
        """ "gone" for a 404."""
        told = self("GET", f"/machines/{machine_id}")
        return str(told.get("state", "gone"))


@contextmanager
def asks(paperspace: Paperspace, *, key: str | None = None) -> Iterator[Asks]:
    """Without a socket: `paperspace.transport` is the same but for the way there."""
    headers = {"Authorization": f"Bearer {paperspace.key if key is None else key}"}
    with httpx.Client(
        base_url=paperspace.url, headers=headers, transport=paperspace.transport
    ) as client:
        yield Asks(paperspace, client)
