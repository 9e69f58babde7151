"""Reading a request: the numbers of EC2's query, paths of REST, and CBOR."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cloud import calls, cbor

AT = datetime(2026, 11, 23, tzinfo=UTC)


def request(service: str, method: str = "POST", path: str = "/", **more: str) -> dict[str, Any]:
    scope = f"AKIAEXAMPLE/20261123/us-east-1/{service}/aws4_request"
    signed = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00"
    return {"REQUEST_METHOD": method, "PATH_INFO": path, "HTTP_AUTHORIZATION": signed} | more


def test_ec2s_numbers_become_lists() -> None:
    flat = {
        "InstanceId.1": "i-1",
        "InstanceId.2": "i-2",
        "Filter.1.Name": "tag:a",
        "Filter.1.Value.1": "b",
        "MinCount": "1",
    }
    assert calls.nested(flat) == {
        "InstanceId": ["i-1", "i-2"],
        "Filter": [{"Name": "tag:a", "Value": ["b"]}],
        "MinCount": "1",
    }


def test_numbers_count_as_numbers() -> None:
    flat = {f"InstanceId.{number}": str(number) for number in range(1, 12)}
    assert calls.nested(flat)["InstanceId"] == [str(number) for number in range(1, 12)]


def test_a_call_of_the_query_protocol_is_read() -> None:
    body = b"Action=TerminateInstances&Version=2016-11-15&InstanceId.1=i-1&DryRun=true"
    call = calls.read(request("ec2"), body, AT)
    assert (call.name, call.region, call.key) == (
        "ec2:TerminateInstances",
        "us-east-1",
        "AKIAEXAMPLE",
    )
    assert call.listed("InstanceId") == ["i-1"]
    assert call.listed("GroupId") == []
    assert call.dry_run


def test_a_call_of_rest_is_read_from_its_path() -> None:
    call = calls.read(request("scheduler", "DELETE", "/schedules/a%20b"), b"", AT)
    assert call.action == "DeleteSchedule"
    assert call.params["Name"] == "a b"


def test_a_call_with_a_target_is_read() -> None:
    target = {"HTTP_X_AMZ_TARGET": "AmazonSSM.GetParameter"}
    call = calls.read(request("ssm", **target), b'{"Name": "/a"}', AT)
    assert (call.action, call.params) == ("GetParameter", {"Name": "/a"})


def test_a_request_without_a_signature_is_nobodys() -> None:
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/"}
    assert calls.read(environ, b"", AT).key == ""


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text() | st.floats(width=32),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_cbor_comes_back_as_it_went(value: Any) -> None:
    assert repr(cbor.read(cbor.write(value))) == repr(value)  # NaN is not itself


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("9f0102ff", [1, 2]),  # lists, maps and texts without a length, as boto3 writes them
        ("bf6161f5ff", {"a": True}),
        ("7f61616162ff", "ab"),
        ("c11a514b67b0", 1363896240),
        ("f93c00", 1.0),
        ("4161", b"a"),
    ],
)
def test_cbor_of_others_is_read(raw: str, value: Any) -> None:
    assert cbor.read(bytes.fromhex(raw)) == value
