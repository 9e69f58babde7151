"""Who asks AWS, by what clock, where, and on what plan."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any

from mldeploy.doctor.checks import Finding, ok
from mldeploy.errors import MldeployError
from mldeploy.prices import money
from mldeploy.providers import clock
from mldeploy.providers.aws import find
from mldeploy.providers.aws.errors import Asked
from mldeploy.providers.aws.explain import POLICY, explain
from mldeploy.providers.aws.session import FREETIER_REGION, Session
from mldeploy.providers.aws.settings import AwsTarget

HOME = "us-east-1"  # it is on in every account: who one is, and where one may be, is asked there
SKEW_NOTED = timedelta(seconds=60)
SKEW_REFUSED = timedelta(minutes=5)  # by AWS
PLAN_ENDS_SOON = timedelta(days=14)
FEW_CREDITS = Decimal(10)  # US dollars
# By boto3's word for how it came to credentials.
WAYS = {
    "shared-credentials-file": "an access key in ~/.aws/credentials",
    "config-file": "an access key in ~/.aws/config",
    "sso": "a session of `aws sso login`",
    "login": "a session of `aws login`",
    "assume-role": "a role that your configuration names",
    "assume-role-with-web-identity": "a role, by a token of this computer",
    "custom-process": "a program that your configuration names",
    "container-role": "the role of this container",
    "iam-role": "the role of this machine",
}
BILLING = "https://console.aws.amazon.com/billing/home"


class Account:
    """What several of the checks ask for, asked once."""

    def __init__(self, session: Session, target: AwsTarget) -> None:
        self.session = session
        self.target = target

    def credentials(self) -> Finding:
        """Where boto3 found them; of the credentials themselves nothing is said."""
        method = self.session.credentials_from
        if method is None:
            from botocore.exceptions import NoCredentialsError

            raise explain(NoCredentialsError(), Asked("sts:GetCallerIdentity", ""))
        if method == "env":
            return ok("credentials", "an access key in the environment (AWS_ACCESS_KEY_ID)")
        profile = self.target.profile or os.environ.get("AWS_PROFILE", "default")
        return ok("credentials", f"{WAYS.get(method, method)}, profile {profile!r}")

    def identity(self) -> Finding:
        told = self._greeted.answer()
        return ok("identity", f"you are {_name_of(told['Arn'])} in account {told['Account']}")

    def clock(self) -> Finding:
        """AWS takes no request whose time is more than five minutes from its own."""
        return clock_of(self._greeted.date, self._greeted.asked, self._greeted.answered)

    def region(self) -> Finding:
        """A name that nobody has is taken by boto3 without a word; a region may be switched off."""
        name = self.session.region
        known = self._regions()
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.0)
            return Finding(
                "region",
                "error",
                f"AWS has no region {name!r}. The nearest names are {', '.join(near)}.",
                f'region = "{near[0]}" under the target in mldeploy.toml',
            )
        if known[name] == find.NOT_OURS:
            return Finding(
                "region",
                "error",
                f"{name} is not switched on in your account.",
                f"switch it on ({BILLING}#/account, AWS Regions; it takes minutes), or another "
                "region in mldeploy.toml",
            )
        return ok("region", f"{name} is there, and on")

    def plan(self) -> Finding:
        """Since July 2025 an account is on the Free plan at first: few types, and an end."""
        try:
            state = self.session.call("freetier", "get_account_plan_state", FREETIER_REGION)
            if state.get("accountPlanType") == "FREE":
                return self._free_plan(state)
        except MldeployError as error:
            return unknown("plan", "The plan of the account", error)
        return ok("plan", "the account is on the Paid plan: every machine type, and a bill")

    def _free_plan(self, state: Mapping[str, Any]) -> Finding:
        left, ends = _credits(state), state.get("accountPlanExpirationDate")
        told = "the account is on the Free plan"
        told += f", with ${money(left)} of credits" if left is not None else ""
        told += f", until {ends:%Y-%m-%d}" if ends else ""
        upgrade = f"or take the Paid plan (credits stay): {BILLING}#/account"
        allowed = self._free_types()
        if self.target.machine_type not in allowed:
            return Finding(
                "plan",
                "error",
                f"{told}. It can't rent a {self.target.machine_type}, only "
                f"{', '.join(sorted(allowed)) or 'nothing here'}.",
                f"one of those as machine_type in mldeploy.toml, {upgrade}",
            )
        if state.get("accountPlanStatus") == "EXPIRED":
            return Finding("plan", "error", f"{told}: it is over.", upgrade.removeprefix("or "))
        if ends and ends - clock.now() < PLAN_ENDS_SOON:
            soon = "Then AWS closes the account, and with it ends what runs there."
            return Finding("plan", "warning", f"{told}. {soon}", upgrade.removeprefix("or "))
        if left is not None and left < FEW_CREDITS:
            soon = "When they are used up, AWS closes the account."
            return Finding("plan", "warning", f"{told}. {soon}", upgrade.removeprefix("or "))
        return ok("plan", f"{told}; a {self.target.machine_type} is allowed")

    def _free_types(self) -> set[str]:
        wanted = [{"Name": "free-tier-eligible", "Values": ["true"]}]
        pages = self.session.pages(
            "ec2", "describe_instance_types", "InstanceTypes", Filters=wanted
        )
        return {one["InstanceType"] for one in pages}

    @cached_property
    def _greeted(self) -> _Greeted:
        return _Greeted.by(self.session)

    def _regions(self) -> dict[str, str]:
        """By name, whether it is on. Where one's rights end at a region, that region is asked."""
        try:
            answer = self.session.call("ec2", "describe_regions", HOME, AllRegions=True)
        except MldeployError:
            answer = self.session.call("ec2", "describe_regions", AllRegions=True)
        return {one["RegionName"]: one.get("OptInStatus", "") for one in answer["Regions"]}


class _Greeted:
    """The answer to the question who we are, be it a refusal, and by what clock it came."""

    def __init__(
        self,
        told: Mapping[str, Any] | MldeployError,
        headers: Mapping[str, str],
        asked: datetime,
        answered: datetime,
    ) -> None:
        self._told = told
        self.asked, self.answered = asked, answered
        self.date = headers.get("date", "")

    @classmethod
    def by(cls, session: Session) -> _Greeted:
        asked = clock.now()
        told: Any
        try:
            told = session.call("sts", "get_caller_identity", HOME)
            response = told
        except MldeployError as error:  # a wrong clock is a reason to be refused
            told = error
            response = getattr(error.__cause__, "response", {})
        headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        return cls(told, headers, asked, clock.now())

    def answer(self) -> Mapping[str, Any]:
        if isinstance(self._told, MldeployError):
            raise self._told
        return self._told


def clock_of(date: str, asked: datetime, answered: datetime) -> Finding:
    """``date`` is as HTTP writes it, to the second; it was read between the other two."""
    try:
        there = parsedate_to_datetime(date)
    except ValueError:
        return ok("clock", "AWS did not say what time it is")
    ahead = asked - (there + timedelta(seconds=1))
    behind = there - answered
    wrong = max(ahead, behind)
    if wrong <= SKEW_NOTED:
        return ok("clock", "the same as that of AWS")
    which = "ahead of" if ahead > behind else "behind"
    told = f"This computer's clock is {int(wrong.total_seconds())} s {which} that of AWS."
    remedy = "sudo timedatectl set-ntp true   (or: set it in the settings of this computer)"
    if wrong <= SKEW_REFUSED:
        return Finding("clock", "warning", told, remedy)
    return Finding("clock", "error", f"{told} From 5 minutes on AWS refuses it.", remedy)


def unknown(check: str, what: str, error: MldeployError) -> Finding:
    """Not to know it keeps nobody from renting."""
    told = f"{what} is not known: {error.what}"
    if error.code != "aws-denied":
        return ok(check, told)
    return Finding(check, "ok", told, POLICY)


def _name_of(arn: str) -> str:
    """``user ada``, ``role work, as ada``, ``the root user``."""
    kind, _, name = arn.rpartition(":")[2].partition("/")
    if kind == "root":
        return "the root user"
    if kind == "assumed-role":
        role, _, who = name.partition("/")
        return f"role {role}, as {who}"
    return f"{kind} {name}"


def _credits(state: Mapping[str, Any]) -> Decimal | None:
    told = state.get("accountPlanRemainingCredits")
    return None if told is None else Decimal(str(told["amount"]))
