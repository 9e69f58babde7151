"""An error of boto3 as one of ours. Pure, but for asking AWS to decode its own words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from mldeploy.errors import FailedError, MldeployError
from mldeploy.providers.aws import policy, quotas
from mldeploy.providers.aws.errors import Asked, CloudError
from mldeploy.providers.aws.sayings import DENIED, OWN, SAME, TABLE, Parts

POLICY = "mldeploy aws policy   prints the least that is needed; who administers the account \
attaches it to you"
SECOND_BELT = "mldeploy aws policy --second-belt   prints what a second belt needs too; who \
administers the account attaches it to you"
BEYOND = "ask who administers the account to do it: it is once and for all, and so in no policy \
that mldeploy needs every day"
FORBIDDEN = "ask who administers the account: a rule there forbids it, whatever else allows it"


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
    made = _made(parts, slug, said, asked, spot="Spot" in code)
    if isinstance(made, CloudError):
        made.name = code
    return made


def told_by(error: Exception) -> tuple[str, str]:
    """AWS's code, empty where it gave no answer, and its sentence."""
    response = getattr(error, "response", None)
    if isinstance(response, dict) and "Error" in response:
        told = response["Error"]
        return str(told.get("Code", "")), _sentence(_harmless(str(told.get("Message", ""))))
    return "", _sentence(str(error))


def _made(parts: Parts, slug: str, said: str, asked: Asked, *, spot: bool) -> MldeployError:
    kind, what, why, do = parts
    known = {
        "said": said,
        "action": asked.action,
        "region": asked.region or "this region",
        "machine_type": asked.machine_type or "machine",
        "as_profile": f" --profile {asked.profile}" if asked.profile else "",
        "quota": quotas.link(asked.region, asked.machine_type, spot=spot),
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
        do=_who_may(action, why),
    )


def _who_may(action: str, why: str) -> str:
    """What helps somebody who may not."""
    if re.search("explicit deny|service control policy|permissions boundary", why):
        return FORBIDDEN
    if action in policy.actions(policy.policy()):
        return POLICY
    return SECOND_BELT if action in policy.actions(policy.policy(second_belt=True)) else BEYOND


def _named(said: str) -> str:
    """``User: … is not authorized to perform: ec2:RunInstances on resource: …``"""
    found = re.search(r"not authorized to perform: ([\w-]+:\w+)", said)
    return found.group(1) if found else ""


def _decoded(text: str) -> tuple[str, str] | None:
    try:
        told = json.loads(text)["context"]
        who, what = told["principal"]["arn"], told["resource"]
        return str(told["action"]), f"No policy of {who} allows it on {what}."
    except (ValueError, KeyError, TypeError):
        return None


def _harmless(said: str) -> str:
    """Without the request itself, which some services repeat: a session's token is part of it."""
    return re.split(r"The Canonical String|The String-to-Sign", said, maxsplit=1)[0]


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
