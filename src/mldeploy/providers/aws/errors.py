"""What AWS says, in three parts. Pure, but for asking AWS to decode its own words.

The codes are those of the EC2, STS and SSM references; botocore's own classes stand for what went
wrong before or without an answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from mldeploy.errors import ConfigError, FailedError, MldeployError, RefusedError
from mldeploy.providers import base

CONSOLE = "https://console.aws.amazon.com"
QUOTAS = CONSOLE + "/servicequotas/home/services/ec2/quotas"
POLICY = "mldeploy aws policy   (prints the least that is needed; who administers the account \
attaches it)"


@dataclass(frozen=True)
class Asked:
    """The call: its ``action`` as policies name it, and what it was about."""

    action: str
    region: str
    machine_type: str = ""
    profile: str = ""


class CloudError(FailedError):
    """With the cloud's own ``name`` for what went wrong, for the code that can do something."""

    name: str = ""


class NoCapacityError(CloudError):
    """Not there, not now: another zone or type may have one."""


class UnknownOutcomeError(CloudError, base.UnknownOutcomeError):
    """No answer came: what was asked for may have been done."""


class NotThereError(CloudError):
    """It is no more, or is not seen yet."""


class InUseError(CloudError):
    """Something that is still ending needs it."""


class DuplicateError(CloudError):
    """It is there already."""


class MismatchError(CloudError):
    """The token was used before, for something else."""


# By code: the class, and the three parts. {…} is of Asked; {said} is AWS's own sentence.
Parts = tuple[type[MldeployError], str, str, str]
LOGIN = "aws sso login{as_profile}, or new keys: aws configure{as_profile}"
AGAIN = "in a minute: mldeploy up"
STALE = "try again: mldeploy up   (it is looked up anew)"
TABLE: dict[str, Parts] = {
    # Who we are
    "AuthFailure": (
        ConfigError, "AWS does not accept these credentials.", "{said}",
        "aws sts get-caller-identity{as_profile}   shows whether they work; new ones: "
        "aws configure{as_profile}",
    ),
    "InvalidClientTokenId": (
        ConfigError, "AWS does not know this access key.",
        "It was deleted or deactivated, or belongs to another kind of account. {said}",
        "make a new one in the console (IAM, your user, Security credentials), then: "
        "aws configure{as_profile}",
    ),
    "SignatureDoesNotMatch": (
        ConfigError, "AWS does not accept the signature of the request.",
        "The secret key is not the one of this access key, or this machine's clock is wrong. "
        "{said}", "compare the clock (date -u), then: aws configure{as_profile}",
    ),
    "ExpiredToken": (FailedError, "Your AWS session is over.", "{said}", LOGIN),
    "RequestExpired": (
        FailedError, "AWS refused a request that is too old.",
        "This machine's clock is wrong, or the session is over. {said}",
        "compare the clock (date -u); " + LOGIN,
    ),
    # What the account may do
    "OptInRequired": (
        FailedError, "This AWS account can't be used for that yet.",
        "A new account waits for its card and phone to be checked; a region or an image may have "
        "to be switched on. {said}",
        f"{CONSOLE}/billing/home#/account   shows regions and what is missing",
    ),
    "PendingVerification": (
        FailedError, "AWS is still checking your account.", "{said}",
        "wait for its e-mail (mostly minutes, at most four hours), then: mldeploy up",
    ),
    "Blocked": (
        FailedError, "AWS has blocked this account.", "{said}",
        f"ask AWS: {CONSOLE}/support/home",
    ),
    "VcpuLimitExceeded": (
        RefusedError, "Your AWS account may not have a {machine_type}: its quota is used up.",
        "{said} New accounts often have none of the GPU families.",
        f"ask for more: {QUOTAS} (hours to days), or another machine_type; see: "
        "mldeploy doctor",
    ),
    "InstanceLimitExceeded": (
        RefusedError, "Your AWS account may not have one more {machine_type}.", "{said}",
        f"ask for more: {QUOTAS}, or another machine_type",
    ),
    "MaxSpotInstanceCountExceeded": (
        RefusedError, "Your AWS account may not have one more spot machine.",
        "Spot machines have a quota of their own. {said}",
        f"ask for more: {QUOTAS}, or spot = false in mldeploy.toml",
    ),
    "InvalidParameterCombination": (
        RefusedError, "AWS refuses this combination.",
        "{said} On the Free plan only the types of the free tier can be rented.",
        "mldeploy doctor   names the types that your plan allows",
    ),
    # What is there now
    "InsufficientInstanceCapacity": (
        NoCapacityError, "AWS has no {machine_type} free just now.", "{said}",
        'or_machine_types = ["t3a.small", "t2.small"] in mldeploy.toml, or later: mldeploy up',
    ),
    "InsufficientCapacityOnHost": (
        NoCapacityError, "AWS has no {machine_type} free just now.", "{said}", AGAIN,
    ),
    "SpotMaxPriceTooLow": (
        NoCapacityError, "There is no spot {machine_type} at the price of an ordinary one.",
        "{said}", "spot = false in mldeploy.toml, or later: mldeploy up",
    ),
    "InsufficientFreeAddressesInSubnet": (
        NoCapacityError, "A network of your account has no address left.", "{said}",
        "end machines that you don't need: mldeploy orphans",
    ),
    "Unsupported": (
        NoCapacityError, "AWS does not offer a {machine_type} there.", "{said}",
        "mldeploy prices   lists what there is in the region",
    ),
    "VPCIdNotSpecified": (
        ConfigError, "Region {region} of your account has no default network.", "{said}",
        "aws ec2 create-default-vpc --region {region}   (costs nothing)",
    ),
    "MissingInput": (
        ConfigError, "Region {region} of your account has no default network.", "{said}",
        "aws ec2 create-default-vpc --region {region}   (costs nothing)",
    ),
    "InvalidInstanceType": (
        ConfigError, "AWS knows no machine type {machine_type}.", "{said}",
        "mldeploy prices   lists those there are",
    ),
    "InvalidParameterValue": (
        ConfigError, "AWS refuses a value.", "{said}", "mldeploy doctor",
    ),
    "InvalidAMIID.NotFound": (FailedError, "The image is no more.", "{said}", STALE),
    "InvalidKeyPair.NotFound": (NotThereError, "The key is not there.", "{said}", STALE),
    "InvalidGroup.NotFound": (NotThereError, "The security group is not there.", "{said}", STALE),
    "InvalidSecurityGroupID.NotFound": (
        NotThereError, "The security group is not there.", "{said}", STALE,
    ),
    "InvalidInstanceID.NotFound": (NotThereError, "The machine is not there.", "{said}", STALE),
    "InvalidVolume.NotFound": (NotThereError, "The disk is not there.", "{said}", STALE),
    "InvalidAllocationID.NotFound": (NotThereError, "The address is not there.", "{said}", STALE),
    "InvalidNetworkInterfaceID.NotFound": (NotThereError, "It is not there.", "{said}", STALE),
    "InvalidPermission.NotFound": (NotThereError, "That rule is not there.", "{said}", STALE),
    "ResourceNotFoundException": (NotThereError, "It is not there.", "{said}", STALE),
    "ParameterNotFound": (
        ConfigError, "Region {region} does not tell its newest image.", "{said}",
        'another region, or system = "amazon" in mldeploy.toml',
    ),
    "DependencyViolation": (InUseError, "It is still in use.", "{said}", "mldeploy down"),
    "VolumeInUse": (InUseError, "The disk is still in use.", "{said}", "mldeploy down"),
    "IncorrectState": (InUseError, "It is in another state.", "{said}", "mldeploy down"),
    "InvalidGroup.Duplicate": (DuplicateError, "That group is there.", "{said}", STALE),
    "InvalidKeyPair.Duplicate": (DuplicateError, "That key is there.", "{said}", STALE),
    "InvalidPermission.Duplicate": (DuplicateError, "That rule is there.", "{said}", STALE),
    "ConflictException": (DuplicateError, "That is there.", "{said}", STALE),
    "IdempotentParameterMismatch": (
        MismatchError, "The same order was given before, with other particulars.", "{said}", AGAIN,
    ),
    "InvalidUserData.Malformed": (
        FailedError, "AWS refuses what the machine was to be told at its first boot.", "{said}",
        "report this: it is a mistake of ours",
    ),
    "InvalidBlockDeviceMapping": (
        ConfigError, "AWS refuses the disk.", "{said}", 'disk = "100GB" in mldeploy.toml',
    ),
    # Too busy
    "RequestLimitExceeded": (
        UnknownOutcomeError, "AWS has been asked too often.",
        "{action} was refused again and again. {said}", AGAIN,
    ),
    "InternalError": (UnknownOutcomeError, "AWS itself went wrong.", "{said}", AGAIN),
    "Unavailable": (UnknownOutcomeError, "AWS is not available.", "{said}", AGAIN),
}  # fmt: skip
SAME = {
    "ExpiredTokenException": "ExpiredToken",
    "UnrecognizedClientException": "InvalidClientTokenId",
    "InvalidSignatureException": "SignatureDoesNotMatch",
    "Throttling": "RequestLimitExceeded",
    "ThrottlingException": "RequestLimitExceeded",
    "ServiceUnavailable": "Unavailable",
    "InternalFailure": "InternalError",
    "SubscriptionRequiredException": "OptInRequired",
    "UnsupportedOperation": "Unsupported",
    "InsufficientHostCapacity": "InsufficientInstanceCapacity",
    "InsufficientReservedInstanceCapacity": "InsufficientInstanceCapacity",
    "SnapshotLimitExceeded": "InstanceLimitExceeded",
}
DENIED = ("UnauthorizedOperation", "AccessDenied", "AccessDeniedException", "Client.Unauthorized")

# botocore's own classes, by name: importing them here would import botocore with us.
OWN: dict[str, Parts] = {
    "NoCredentialsError": (
        ConfigError, "There are no AWS credentials here.",
        "boto3 looked into the environment, ~/.aws and this machine's role.",
        "aws configure, or: aws sso login; docs/first-cloud-deploy.md makes the first ones",
    ),
    "PartialCredentialsError": (
        ConfigError, "Half of the AWS credentials is missing.", "{said}",
        "aws configure{as_profile}   asks for both parts",
    ),
    "CredentialRetrievalError": (
        FailedError, "The AWS credentials could not be fetched.", "{said}", LOGIN,
    ),
    "ProfileNotFound": (
        ConfigError, "There is no AWS profile of that name.", "{said}",
        "aws configure list-profiles   shows those there are",
    ),
    "NoRegionError": (
        ConfigError, "No AWS region is chosen.", "{said}",
        'write region = "us-east-1" under the target in mldeploy.toml',
    ),
    "EndpointConnectionError": (
        UnknownOutcomeError, "AWS can't be reached.",
        "There is no network, or no region called {region}. {said}",
        "try: curl -sI https://ec2.{region}.amazonaws.com",
    ),
    "ConnectTimeoutError": (
        UnknownOutcomeError, "AWS does not answer.", "{said}", "look at your network; " + AGAIN,
    ),
    "ReadTimeoutError": (
        UnknownOutcomeError, "AWS did not answer in time.", "{said}", AGAIN,
    ),
    "ConnectionClosedError": (
        UnknownOutcomeError, "The connection to AWS broke before an answer came.", "{said}", AGAIN,
    ),
    "ProxyConnectionError": (
        ConfigError, "The proxy on the way to AWS can't be reached.", "{said}",
        "look at HTTPS_PROXY: env | grep -i proxy",
    ),
    "SSLError": (
        FailedError, "The connection to AWS is not trusted.", "{said}",
        "something between you and AWS changes it; AWS_CA_BUNDLE names a company's own authority",
    ),
    "TokenRetrievalError": (FailedError, "Your AWS session is over.", "{said}", LOGIN),
    "SSOTokenLoadError": (FailedError, "You are not logged in to AWS.", "{said}", LOGIN),
    "UnauthorizedSSOTokenError": (FailedError, "Your AWS session is over.", "{said}", LOGIN),
    "TokenRefreshRequired": (FailedError, "Your AWS session is over.", "{said}", LOGIN),
}  # fmt: skip


def explain(
    error: Exception, asked: Asked, decode: Callable[[str], str] = lambda _: ""
) -> MldeployError:
    """Of a ClientError or BotoCoreError; ``decode`` is asked for EC2's encoded refusals."""
    code, said = told_by(error)
    if code in DENIED:
        return _denied(said, asked, decode)
    if code:
        parts = TABLE.get(SAME.get(code, code))
        slug = f"aws-{_slug(code)}"
        if parts is None and _status(error) >= 500:
            parts = TABLE["InternalError"]
    else:
        name = next((c.__name__ for c in type(error).__mro__ if c.__name__ in OWN), "")
        parts = OWN.get(name)
        slug = f"aws-{_slug(type(error).__name__.removesuffix('Error'))}"
    if parts is None:
        parts = (FailedError, "AWS refused {action}.", "{said}", "mldeploy doctor")
    made = _made(parts, slug, said, asked)
    if isinstance(made, CloudError):
        made.name = code
    return made


def told_by(error: Exception) -> tuple[str, str]:
    """AWS's code, empty where it gave no answer, and its sentence."""
    response = getattr(error, "response", None)
    if isinstance(response, dict) and "Error" in response:
        told = response["Error"]
        return str(told.get("Code", "")), _sentence(str(told.get("Message", "")))
    return "", _sentence(str(error))


def _made(parts: Parts, slug: str, said: str, asked: Asked) -> MldeployError:
    kind, what, why, do = parts
    known = {
        "said": said,
        "action": asked.action,
        "region": asked.region or "this region",
        "machine_type": asked.machine_type or "machine",
        "as_profile": f" --profile {asked.profile}" if asked.profile else "",
    }
    filled = [text.format(**known).strip() for text in (what, why, do)]
    return kind(slug, what=filled[0], why=filled[1] or "AWS gave no reason.", do=filled[2])


def _denied(said: str, asked: Asked, decode: Callable[[str], str]) -> MldeployError:
    plain, _, encoded = said.partition("Encoded authorization failure message:")
    action = _named(plain) or asked.action
    why = plain.strip()
    if not _named(plain) and encoded and (found := _decoded(decode(encoded.strip().rstrip(".")))):
        action, why = found
    return FailedError(
        "aws-denied",
        what=f"You are not allowed to {action} in this AWS account.",
        why=why or "AWS gave no reason.",
        do=POLICY,
    )


def _named(said: str) -> str:
    """``User: … is not authorized to perform: ec2:RunInstances on resource: …``"""
    found = re.search(r"not authorized to perform: ([\w-]+:\w+)", said)
    return found.group(1) if found else ""


def _decoded(text: str) -> tuple[str, str] | None:
    try:
        told = json.loads(text)["context"]
        return str(told["action"]), f"{told['principal']['arn']} on {told['resource']}."
    except (ValueError, KeyError, TypeError):
        return None


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    return text if not text or text[-1] in ".!?" else text + "."


def _status(error: Exception) -> int:
    response = getattr(error, "response", None) or {}
    return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _slug(name: str) -> str:
    """``InsufficientInstanceCapacity`` → ``insufficient-instance-capacity``."""
    words = re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+", name)
    return "-".join(words).lower()
