"""The way of every call: the log, faults, who asks and what that one may, then moto.

A WSGI application around moto's.
"""

from __future__ import annotations

import io
import socket
import time
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.cloud import (
    calls,
    denials,
    entry,
    lab,
    lag,
    launch,
    life,
    own,
    regions,
    roles,
    schedules,
    wording,
)
from tests.cloud.calls import Call
from tests.cloud.refusals import Answer, Refused, Unreachable, written
from tests.cloud.world import ACCOUNT, OUTSIDE, World

StartResponse = Callable[..., Any]


class Gate:
    """``moto`` is its WSGI application; one call at a time gets to it."""

    def __init__(self, world: World, moto: Any, controls: lab.Controls) -> None:
        self.world, self.moto, self.controls = world, moto, controls

    def __call__(self, environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if environ["PATH_INFO"].startswith("/lab/"):
            answer: Answer | None = self.controls.answer(environ, body)
        else:
            environ["wsgi.input"] = io.BytesIO(body)
            call = calls.read(environ, body, self.world.now())
            answer = self._answer(call, environ, body)
        if answer is None:
            return _cut(environ)
        headers = answer.headers | {"Content-Length": str(len(answer.body))}
        start(
            f"{answer.status} {'OK' if answer.status < 400 else 'Refused'}", list(headers.items())
        )
        return [answer.body]

    def _answer(self, call: Call, environ: dict[str, Any], body: bytes) -> Answer | None:
        """None: no answer arrives."""
        if call.key == OUTSIDE:
            return self._carried_out(call, environ)
        call = replace(call, principal=entry.principal_of(call))
        self.world.calls.append(call)
        if pause := self.world.faults.pause_of(call):
            time.sleep(pause / timedelta(seconds=1))
        fault = self.world.faults.met_by(call)
        if fault and fault.when == "before":
            return _of(call, fault.refusal())
        try:
            entry.check(call, environ, body)
        except Refused as refused:
            return written(call, refused)
        answer = self._carried_out(call, environ)
        return _of(call, fault.refusal()) if fault else answer

    def _carried_out(self, call: Call, environ: dict[str, Any]) -> Answer | None:
        world, outside = self.world, call.key == OUTSIDE
        with world.lock:
            world.call, world.looks_from_outside = call, outside
            try:
                schedules.run_due(world)
                life.advance(world)
                if outside:
                    return self._by_service(call, environ)
                regions.check(world, call)
                with lag.hidden(world, call):
                    denials.check(world, call)
                    wording.check(call)
                    roles.check_handover(world, call)
                    answer = self._by_service(call, environ)
                if call.action in {"DescribeInstances", "DescribeInstanceStatus"}:
                    life.looked(world, call.region)
                return answer
            except Refused as refused:
                return written(call, refused)
            except Unreachable:
                return None
            finally:
                world.call = None

    def _by_service(self, call: Call, environ: dict[str, Any]) -> Answer:
        if ours := own.ANSWERS.get((call.service, call.action)):
            return ours(self.world, call)
        if call.name == "ec2:RunInstances":
            from moto.ec2.models import ec2_backends

            backend = ec2_backends[ACCOUNT][call.region]
            launch.check_parameters(self.world, backend, call)
        return self._by_moto(call, environ)

    def _by_moto(self, call: Call, environ: dict[str, Any]) -> Answer:
        from werkzeug.test import run_wsgi_app

        try:
            body, status, headers = run_wsgi_app(self.moto, environ, buffered=True)
        except Refused:
            raise
        except NotImplementedError as error:  # moto's HTML page says nothing to boto3
            raise Refused("NotImplementedInTheStandIn", str(error), 501) from error
        except Exception as error:
            traceback.print_exc()
            raise Refused("InternalError", f"moto: {error!r}", 500) from error
        answer = Answer(int(status.split()[0]), b"".join(body), dict(headers))
        if answer.status < 400:
            self._after(call)
        return answer

    def _after(self, call: Call) -> None:
        if call.name == "iam:CreateRole":
            arn = f"arn:aws:iam::{ACCOUNT}:role{call.params.get('Path', '/')}"
            lag.is_new_role(self.world, f"{arn}{call.params['RoleName']}")
        if self.world.bodies and "SecurityGroup" in call.action:
            self.world.bodies.rules_changed()


def _of(call: Call, refused: Refused | None) -> Answer | None:
    return written(call, refused) if refused else None


def _cut(environ: dict[str, Any]) -> Iterable[bytes]:
    """The connection ends with no answer: nobody who asked knows whether it was carried out."""
    with suppress(OSError):  # the client was faster
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError("cut on purpose")
