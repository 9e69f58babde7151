"""The stand-in as a place: its environment, its controls over HTTP, and how fast it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.cloud import lab, samples
from tests.cloud.cloud import Cloud

pytestmark = pytest.mark.slow

ASK = """\
import boto3
print(boto3.client("sts").get_caller_identity()["Arn"])
print(boto3.client("ec2").describe_vpcs()["Vpcs"][0]["IsDefault"])
"""


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode())


def post(cloud: Cloud, control: str, **arguments: object) -> None:
    body = json.dumps(arguments).encode()
    url = f"{cloud.endpoint}/lab/{control}"
    with urllib.request.urlopen(urllib.request.Request(url, body), timeout=10) as answer:
        assert answer.status == 200


def test_another_process_takes_it_for_aws(cloud: Cloud) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": "/nowhere"} | cloud.environment
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.split() == ["arn:aws:iam::123456789012:user/learner", "True"]


def test_this_process_takes_it_for_aws(as_learner: Cloud) -> None:
    client = boto3.client("sts")
    told = client.get_caller_identity()
    client.close()
    assert told["Account"] == "123456789012"


def test_settings_of_who_runs_the_tests_are_not_read(cloud: Cloud) -> None:
    """A profile, a proxy and credentials of a developer, none of which lead anywhere."""
    script = (
        "from tests.cloud.cloud import Cloud\n"
        "cloud = Cloud()\n"
        "print(cloud.learner('sts').get_caller_identity()['Account'])\n"
        "cloud.learner('ec2').describe_vpcs()\n"
        "cloud.close()\n"
    )
    proxy = "http://192.0.2.1:9"
    theirs = {"AWS_PROFILE": "mine", "HTTP_PROXY": proxy, "http_proxy": proxy, "NO_PROXY": ""}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[2],
        env=os.environ | theirs,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.strip() == "123456789012", done.stderr


def test_the_callers_address_is_plain_text(cloud: Cloud) -> None:
    url = cloud.environment["MLDEPLOY_PUBLIC_ADDRESS_FROM"]
    assert get(url) == "203.0.113.10\n"
    cloud.caller_address = "203.0.113.99"
    assert get(url).strip() == "203.0.113.99"


def test_faults_and_all_else_can_be_set_over_http(cloud: Cloud) -> None:
    post(cloud, "fail", action="DescribeVpcs", code="InternalError")
    with pytest.raises(ClientError, match="InternalError"):
        cloud.learner("ec2").describe_vpcs()
    post(cloud, "quota", vcpus=0)
    with pytest.raises(ClientError, match="VcpuLimitExceeded"):
        samples.launched(cloud)
    told = json.loads(get(f"{cloud.endpoint}/lab/calls"))
    assert [each["action"] for each in told] == ["DescribeVpcs", "RunInstances"]
    post(cloud, "reset")
    samples.launched(cloud)


def test_an_unknown_control_is_refused(cloud: Cloud) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404") as refused:
        post(cloud, "close")
    refused.value.close()


def test_a_reset_leaves_nothing(cloud: Cloud) -> None:
    samples.launched(cloud, ClientToken="a")
    cloud.client("ec2").create_key_pair(KeyName="a")
    cloud.reset()
    assert cloud.instances() == {}
    assert cloud.client("ec2").describe_key_pairs()["KeyPairs"] == []
    assert cloud.client("ec2").describe_volumes()["Volumes"] == []


def test_a_round_is_fast_enough_for_thousands(cloud: Cloud) -> None:
    def round_of_calls() -> float:
        begun = time.monotonic()
        cloud.reset()
        cloud.instant()
        ec2 = cloud.learner("ec2")
        instance = samples.launched(cloud)
        ec2.describe_instances(InstanceIds=[instance])
        ec2.terminate_instances(InstanceIds=[instance])
        return time.monotonic() - begun

    assert min(round_of_calls() for _ in range(20)) < 0.05


def test_by_hand_it_says_what_to_export(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.cloud", "up", "--no-machines"],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        name, _, endpoint = process.stdout.readline().strip().partition("=")
        assert name == "export AWS_ENDPOINT_URL"
        assert get(f"{endpoint}/lab/address") == "203.0.113.10\n"
    finally:
        process.terminate()
        process.communicate(timeout=30)
    assert process.returncode == 0


def test_every_control_over_http_is_one_of_the_handle(cloud: Cloud) -> None:
    assert [name for name in lab.BY_HTTP if not callable(getattr(cloud, name, None))] == []


def test_many_at_once_with_one_token_make_one_instance(cloud: Cloud) -> None:
    asked = samples.request(cloud, ClientToken="one")
    ec2 = cloud.learner("ec2")
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: ec2.run_instances(**asked)["ReservationId"], range(16)))
    assert len(set(made)) == 1
    assert len(cloud.instances()) == 1
