"""Everything that AWS or boto3 may say becomes three parts that a learner can act on.

The refusals come over the wire from the stand-in, and botocore's own errors from botocore where
they can be provoked: what is explained is what really arrives.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from botocore import exceptions, parsers

from mldeploy.errors import ConfigError, MldeployError
from mldeploy.providers.aws import policy, quotas, session
from mldeploy.providers.aws.errors import (
    Asked,
    CloudError,
    NoCapacityError,
    UnknownOutcomeError,
)
from mldeploy.providers.aws.explain import BEYOND, FORBIDDEN, explain
from mldeploy.providers.aws.sayings import DENIED, OWN, SAME, TABLE
from mldeploy.providers.aws.session import Session
from mldeploy.providers.aws.settings import AwsTarget
from mldeploy.providers.base import Owner
from tests.cloud.cloud import Cloud
from tests.cloud.world import LEARNERS_SECRET
from tests.conftest import free_port
from tests.providers import aws_account
from tests.providers.aws_account import order, provider, said, without
from tests.providers.contract import ignore

pytestmark = pytest.mark.slow

ASKED = Asked("ec2:RunInstances", "eu-central-1", machine_type="g5.xlarge", profile="work")
# A command to type, a line to write, or an address to open.
ACTS = re.compile(
    r"mldeploy (--)?\w|aws \w|https://|curl |env \||\w = |in mldeploy\.toml|install |mend "
)
EXIT_CODES = {"ConfigError": 2, "RefusedError": 3}


def is_good(error: MldeployError) -> None:
    """What holds for each of them."""
    for part in (error.what, error.why, error.do):
        assert part
        assert not set("{}") & set(part), part
        assert LEARNERS_SECRET not in part
        assert "Encoded" not in part
    assert error.what.endswith(".")
    assert error.why[-1] in ".!?"
    assert len(error.what) < 120
    assert ACTS.search(error.do), error.do
    assert re.fullmatch(r"aws-[a-z0-9-]+", error.code)
    assert error.exit_code == EXIT_CODES.get(
        next((c.__name__ for c in type(error).__mro__ if c.__name__ in EXIT_CODES), ""), 1
    )


# What AWS answers


@pytest.fixture
def aws(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Session:
    aws_account.enter(cloud, monkeypatch)
    return provider(cloud, region="us-east-1").session


def refused(aws: Session, cloud: Cloud, code: str, message: str = "") -> MldeployError:
    """A launch to which EC2 says that."""
    cloud.fail("RunInstances", code, message=message)
    with pytest.raises(MldeployError) as raised:
        aws.call("ec2", "run_instances", InstanceType="g5.xlarge", MinCount=1, MaxCount=1)
    return raised.value


@pytest.mark.parametrize("code", [*TABLE, *SAME])
def test_every_refusal_is_told_in_three_parts(aws: Session, cloud: Cloud, code: str) -> None:
    error = refused(aws, cloud, code)

    is_good(error)
    assert type(error) is TABLE[SAME.get(code, code)][0]
    if isinstance(error, CloudError):
        assert error.name == code


@pytest.mark.parametrize(
    "code",
    [
        *("VcpuLimitExceeded", "InstanceLimitExceeded", "InsufficientInstanceCapacity"),
        *("Unsupported", "InvalidParameterCombination", "InvalidInstanceType"),
    ],
)
def test_a_refusal_of_a_machine_names_its_type(aws: Session, cloud: Cloud, code: str) -> None:
    assert "g5.xlarge" in refused(aws, cloud, code).what


@pytest.mark.parametrize(
    ("code", "quota"),
    [("VcpuLimitExceeded", "L-DB2E81BA"), ("MaxSpotInstanceCountExceeded", "L-3819A6DF")],
)
def test_a_quota_is_shown_where_more_can_be_asked_for(
    aws: Session, cloud: Cloud, code: str, quota: str
) -> None:
    error = refused(aws, cloud, code)

    assert error.exit_code == 3
    assert (
        f"https://us-east-1.console.aws.amazon.com/servicequotas/home/services/ec2/quotas/{quota}"
        in error.do
    )
    assert "days" in error.do


def test_a_network_that_is_not_there_names_its_region(aws: Session, cloud: Cloud) -> None:
    error = refused(aws, cloud, "VPCIdNotSpecified")

    assert "us-east-1" in error.what
    assert "create-default-vpc --region us-east-1" in error.do


def test_awss_own_words_are_kept(aws: Session, cloud: Cloud) -> None:
    error = refused(aws, cloud, "InsufficientInstanceCapacity", "None in (us-east-1a)")

    assert "None in (us-east-1a)." in error.why


@pytest.mark.parametrize("status", [400, 503])
def test_a_code_that_nobody_knows_is_told_too(aws: Session, cloud: Cloud, status: int) -> None:
    cloud.fail("DescribeVpcs", "SomethingNew", message="It is Tuesday", status=status)

    with pytest.raises(MldeployError) as raised:
        aws.call("ec2", "describe_vpcs")

    is_good(raised.value)
    assert raised.value.code == "aws-something-new"
    assert "ec2:DescribeVpcs" in said(raised.value)
    assert "It is Tuesday." in raised.value.why
    assert isinstance(raised.value, UnknownOutcomeError) == (status == 503)


def test_a_page_of_a_list_is_told_of_as_a_call_is(aws: Session, cloud: Cloud) -> None:
    cloud.fail("DescribeInstances", "RequestLimitExceeded")

    with pytest.raises(UnknownOutcomeError, match="asked too often") as raised:
        list(aws.pages("ec2", "describe_instances", "Reservations"))

    assert "ec2:DescribeInstances" in raised.value.why


def test_the_profile_is_named_where_it_is_to_be_changed() -> None:
    error = explain(_client_error("ExpiredToken", "expired"), ASKED)

    assert "aws sso login --profile work" in error.do


def test_a_sentence_that_repeats_the_request_is_cut() -> None:
    """A session's token is one of the signed headers."""
    told = (
        "The request signature we calculated does not match the signature you provided. Check "
        "your AWS Secret Access Key and signing method. Consult the service documentation.\n\nThe "
        "Canonical String for this request should have been\n'POST\n/\n\n"
        "x-amz-security-token:SWORDFISH\n\nhost;x-amz-date'\n\nThe String-to-Sign should have been"
    )
    error = explain(_client_error("SignatureDoesNotMatch", told), ASKED)

    is_good(error)
    assert "SWORDFISH" not in said(error)
    assert error.why.endswith("Consult the service documentation.")


def _client_error(code: str, message: str) -> exceptions.ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": 400, "HTTPHeaders": {}, "RetryAttempts": 0},
    }
    return exceptions.ClientError(response, "RunInstances")


# Who may not


@pytest.mark.parametrize("code", DENIED)
def test_who_may_not_is_told_what_and_how_to_be_allowed(code: str) -> None:
    told = (
        "User: arn:aws:iam::1:user/ada is not authorized to perform: ec2:CreateTags on resource: *"
    )
    error = explain(_client_error(code, told), ASKED)

    is_good(error)
    assert "ec2:CreateTags" in error.what
    assert "mldeploy aws policy" in error.do


def test_a_denial_without_any_words_names_what_was_asked() -> None:
    error = explain(_client_error("AccessDenied", ""), ASKED)

    is_good(error)
    assert "ec2:RunInstances" in error.what


@pytest.mark.parametrize("why", ["with an explicit deny in a service control policy"])
def test_what_a_rule_forbids_is_in_nobodys_policy(why: str) -> None:
    told = f"User: ada is not authorized to perform: ec2:RunInstances on resource: * {why}"

    assert explain(_client_error("UnauthorizedOperation", told), ASKED).do == FORBIDDEN


def test_what_is_done_once_is_for_who_administers_the_account() -> None:
    told = "User: ada is not authorized to perform: ec2:CreateDefaultVpc on resource: *"

    assert explain(_client_error("UnauthorizedOperation", told), ASKED).do == BEYOND


MAY_DECODE = {
    "Sid": "Decode",
    "Effect": "Allow",
    "Action": ["sts:DecodeAuthorizationMessage"],
    "Resource": ["*"],
}


@pytest.mark.parametrize(
    ("decodes", "action"), [(True, "ec2:CreateTags"), (False, "ec2:RunInstances")]
)
def test_what_ec2_says_in_code_is_decoded_by_who_may(
    aws: Session, cloud: Cloud, decodes: bool, action: str
) -> None:
    """A launch is a launch, and putting tags on it: which of the two was denied?"""
    cloud.instant()
    cloud.denials_are_terse()
    may = policy.policy()
    launch_only = {"StringEquals": {"ec2:CreateAction": ["CreateSecurityGroup", "ImportKeyPair"]}}
    for one in may["Statement"]:
        if one["Sid"] == "TagWhatIsBeingMade":
            one["Condition"] = launch_only
    cloud.enforce(may | {"Statement": may["Statement"] + ([MAY_DECODE] if decodes else [])})
    renting = provider(cloud)

    with pytest.raises(MldeployError) as raised:
        renting.create(order(renting, Owner("a", "b")), ignore, lambda _: None)

    is_good(raised.value)
    assert raised.value.what == f"You are not allowed to {action} in this AWS account."
    assert len(said(raised.value)) < 500


@pytest.mark.parametrize("answer", ["", "no JSON", "{}", '{"context": 1}'])
def test_a_decoded_message_that_says_nothing_is_no_harm(answer: str) -> None:
    told = "You are not authorized to perform this operation. Encoded authorization failure "
    told += "message: bm90aGluZw"
    error = explain(_client_error("UnauthorizedOperation", told), ASKED, lambda _: answer)

    is_good(error)
    assert "ec2:RunInstances" in error.what
    assert "bm90aGluZw" not in said(error)


def test_the_action_of_every_call_of_ours_is_named_as_policies_do(
    aws: Session, cloud: Cloud
) -> None:
    cloud.enforce(without(policy.policy(), "ec2-instance-connect:SendSSHPublicKey"))
    cloud.fail("SendSSHPublicKey", "AccessDenied", message="No")
    what = {"InstanceId": "i-0123456789abcdef0", "InstanceOSUser": "u", "SSHPublicKey": "k" * 80}

    with pytest.raises(MldeployError) as raised:
        aws.call("ec2-instance-connect", "send_ssh_public_key", **what)

    assert "ec2-instance-connect:SendSSHPublicKey" in raised.value.what


# What boto3 says without an answer


@pytest.mark.parametrize("name", OWN)
def test_every_class_of_botocore_is_told_in_three_parts(name: str) -> None:
    kind: Any = getattr(exceptions, name, None) or getattr(parsers, name)
    error = explain(_made(kind), ASKED)

    is_good(error)
    assert type(error) is OWN[name][0]


def _made(kind: Any) -> Exception:
    """One of that class, with a word for each of its fields."""
    fields = [
        field for _, field, _, _ in string.Formatter().parse(getattr(kind, "fmt", "")) if field
    ]
    made: Exception = kind(**{field: f"the {field}" for field in fields})
    return made


def test_a_class_that_nobody_knows_is_told_by_the_nearest_one_above_it() -> None:
    class OfTomorrowError(exceptions.ConnectTimeoutError):
        """Of a later botocore."""

    error = explain(_made(OfTomorrowError), ASKED)

    is_good(error)
    assert error.what == "AWS does not answer."


def test_what_a_request_held_is_not_repeated() -> None:
    """A launch holds the machine's private host key."""
    error = explain(exceptions.ParamValidationError(report="value: SWORDFISH"), ASKED)

    is_good(error)
    assert "SWORDFISH" not in said(error)


def test_a_proxys_password_is_not_repeated() -> None:
    proxy = exceptions.ProxyConnectionError(proxy_url="http://ada:SWORDFISH@proxy:3128")

    assert "SWORDFISH" not in said(explain(proxy, ASKED))


# The same, provoked


@pytest.fixture
def bare(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A computer with no credentials, and the folder of its AWS configuration."""
    aws_account.enter(cloud, monkeypatch)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return tmp_path


def failing(**settings: Any) -> MldeployError:
    """What a new session says to the first question."""
    with pytest.raises(MldeployError) as raised:
        Session(AwsTarget(**settings)).call("sts", "get_caller_identity")
    is_good(raised.value)
    return raised.value


def test_no_credentials(bare: Path) -> None:
    error = failing(region="us-east-1")

    assert error.code == "aws-no-credentials"
    assert "docs/first-cloud-deploy.md" in error.do
    assert not Session(AwsTarget(region="us-east-1")).has_credentials


@pytest.mark.parametrize("half", ["environment", "file"])
def test_half_a_key(bare: Path, monkeypatch: pytest.MonkeyPatch, half: str) -> None:
    if half == "environment":
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    else:
        (bare / "credentials").write_text("[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n")

    error = failing(region="us-east-1")

    assert error.code == "aws-partial-credentials"
    assert "aws_secret_access_key" in error.why.lower()
    with pytest.raises(ConfigError):
        assert Session(AwsTarget(region="us-east-1")).has_credentials


@pytest.mark.parametrize("by", ["mldeploy.toml", "environment"])
def test_a_profile_that_is_not_there(bare: Path, monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    if by == "environment":
        monkeypatch.setenv("AWS_PROFILE", "wrok")

    error = failing(region="us-east-1", profile="wrok" if by == "mldeploy.toml" else None)

    assert error.code == "aws-profile-not-found"
    assert "wrok" in error.why


def test_no_region(bare: Path) -> None:
    error = failing()

    assert error.code == "aws-no-region"
    assert 'region = "us-east-1"' in error.do


def test_a_configuration_that_is_none(bare: Path) -> None:
    (bare / "config").write_text("region = us-east-1\n[default\n")

    error = failing(region="us-east-1")

    assert error.code == "aws-config-parse"
    assert str(bare / "config") in error.why


SSO = """\
[profile work]
sso_session = us
sso_account_id = 123456789012
sso_role_name = ada
region = us-east-1
[sso-session us]
sso_region = us-east-1
sso_start_url = https://example.awsapps.com/start
sso_registration_scopes = sso:account:access
"""


def test_an_sso_profile_that_nobody_has_logged_in_to(bare: Path) -> None:
    (bare / "config").write_text(SSO)

    error = failing(profile="work")

    assert error.code == "aws-sso-token-load"
    assert "aws sso login --profile work" in error.do
    assert error.exit_code == 1


def test_a_program_for_credentials_that_fails(bare: Path) -> None:
    (bare / "config").write_text(
        "[default]\nregion = us-east-1\ncredential_process = sh -c 'echo SWORDFISH >&2; exit 3'\n"
    )

    error = failing()

    assert error.code == "aws-credential-retrieval"
    assert "SWORDFISH" not in said(error)


@pytest.fixture
def keyed(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Good credentials, for an address of the test's own choice."""
    aws_account.enter(cloud, monkeypatch)


@pytest.mark.usefixtures("keyed")
def test_nobody_at_that_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")

    error = failing(region="us-east-1")

    assert error.code == "aws-endpoint-connection"
    assert "us-east-1" in error.why
    assert isinstance(error, UnknownOutcomeError)


@pytest.mark.usefixtures("keyed")
def test_a_connection_that_is_cut(cloud: Cloud) -> None:
    cloud.fail("GetCallerIdentity")

    error = failing(region="us-east-1")

    assert error.code == "aws-connection-closed"
    assert "sts:GetCallerIdentity" in error.why
    assert isinstance(error, UnknownOutcomeError)


@pytest.mark.usefixtures("keyed")
def test_an_answer_that_does_not_come(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "READ_SECONDS", 0.2)
    cloud.delay("GetCallerIdentity", 0.6)

    error = failing(region="us-east-1")
    cloud.delay("GetCallerIdentity", 0)

    assert error.code == "aws-read-timeout"
    assert isinstance(error, UnknownOutcomeError)


@pytest.mark.usefixtures("keyed")
def test_a_proxy_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://sts.example.invalid")
    monkeypatch.setenv("http_proxy", f"http://ada:SWORDFISH@127.0.0.1:{free_port()}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)

    error = failing(region="us-east-1")

    assert error.code == "aws-proxy-connection"
    assert "SWORDFISH" not in said(error)


@pytest.mark.usefixtures("keyed")
def test_a_page_of_somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """The log-in page of a network, where no TLS is in its way."""
    with answering(b"<html><body>Log in to the Wi-Fi</body>") as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)

        error = failing(region="us-east-1")

    assert error.code == "aws-response-parser"
    assert "browser" in error.do


@pytest.mark.usefixtures("keyed")
def test_what_is_no_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(b"hello") as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint.replace("http:", "https:"))

        error = failing(region="us-east-1")

    assert error.code == "aws-ssl"
    assert "AWS_CA_BUNDLE" in error.do


@contextmanager
def answering(body: bytes) -> Iterator[str]:
    """A web server that says the same to everybody."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Not into the test's output."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join(timeout=10)


# Which quota a type counts for


@pytest.mark.parametrize(
    ("machine_type", "on_demand", "spot"),
    [
        ("t3.small", "L-1216C47A", "L-34B43A08"),
        ("c7i-flex.large", "L-1216C47A", "L-34B43A08"),
        ("im4gn.large", "L-1216C47A", "L-34B43A08"),
        ("g4dn.xlarge", "L-DB2E81BA", "L-3819A6DF"),
        ("gr6.4xlarge", "L-DB2E81BA", "L-3819A6DF"),
        ("p5.48xlarge", "L-417A185B", "L-7212CCBC"),
        ("inf2.xlarge", "L-1945791B", "L-B5D1601B"),
        ("x2gd.medium", "L-7295265B", "L-E3A00192"),
    ],
)
def test_the_family_of_a_type_has_a_quota(machine_type: str, on_demand: str, spot: str) -> None:
    family = quotas.family_of(machine_type)

    assert family is not None
    assert (family.code(spot=False), family.code(spot=True)) == (on_demand, spot)


def test_a_mac_is_counted_in_another_way() -> None:
    assert quotas.family_of("mac2.metal") is None
    assert quotas.link("eu-west-1", "mac2.metal").endswith("/services/ec2/quotas")


def test_no_capacity_is_told_apart_from_no_permission(aws: Session, cloud: Cloud) -> None:
    assert isinstance(refused(aws, cloud, "InsufficientInstanceCapacity"), NoCapacityError)
    assert not isinstance(refused(aws, cloud, "UnauthorizedOperation"), NoCapacityError)
