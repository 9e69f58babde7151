"""The evaluator alone: policies of AWS's own documentation, and its traps."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cloud.iam import Ask, check_document, decide

INSTANCE = "arn:aws:ec2:us-east-1:123456789012:instance/i-0123456789abcdef0"


def policy(**statement: Any) -> dict[str, Any]:
    base = {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [base | statement]}


def holds(condition: dict[str, Any], **context: Any) -> bool:
    named = {name.replace("__", ":").replace("_", "/"): value for name, value in context.items()}
    ask = Ask("ec2:RunInstances", "*", named)
    return decide(policy(Condition=condition), ask) == "allowed"


@pytest.mark.parametrize(
    ("allowed", "action", "fits"),
    [
        ("ec2:RunInstances", "ec2:RunInstances", True),
        ("ec2:runinstances", "ec2:RunInstances", True),
        ("ec2:Run*", "ec2:RunInstances", True),
        ("ec2:Describe*", "ec2:RunInstances", False),
        ("*", "ec2:RunInstances", True),
        ("ec?:RunInstances", "ec2:RunInstances", True),
    ],
)
def test_actions_have_wildcards_and_no_case(allowed: str, action: str, fits: bool) -> None:
    assert (decide(policy(Action=allowed), Ask(action, "*")) == "allowed") == fits


@pytest.mark.parametrize(
    ("allowed", "fits"),
    [
        ("*", True),
        (INSTANCE, True),
        ("arn:aws:ec2:*:*:instance/*", True),
        ("arn:aws:ec2:*:*:volume/*", False),
        ("arn:aws:ec2:eu-central-1:*:instance/*", False),
    ],
)
def test_resources_have_wildcards(allowed: str, fits: bool) -> None:
    asked = Ask("ec2:TerminateInstances", INSTANCE)
    assert (decide(policy(Resource=allowed), asked) == "allowed") == fits


def test_a_resource_other_than_all_does_not_fit_an_action_without_resources() -> None:
    limited = policy(Resource="arn:aws:ec2:*:*:instance/*")
    assert decide(limited, Ask("ec2:DescribeInstances", "*")) == "not allowed"


def test_a_deny_wins() -> None:
    both = policy()
    both["Statement"].append({"Effect": "Deny", "NotAction": "ec2:Describe*", "Resource": "*"})
    assert decide(both, Ask("ec2:DescribeInstances", "*")) == "allowed"
    assert decide(both, Ask("ec2:RunInstances", "*")) == "denied"


def test_without_an_allow_it_is_not_allowed() -> None:
    assert decide(policy(Action="ssm:*"), Ask("ec2:RunInstances", "*")) == "not allowed"


@pytest.mark.parametrize(
    ("operator", "wanted", "fits"),
    [
        ("StringEquals", "true", True),
        ("StringEquals", ["false", "true"], True),
        ("StringEquals", "TRUE", False),
        ("StringEqualsIgnoreCase", "TRUE", True),
        ("StringNotEquals", "true", False),
        ("StringNotEquals", "other", True),
        ("StringLike", "tr*", True),
        ("StringNotLike", "tr*", False),
        ("ArnLike", "t?ue", True),
        ("Null", "true", False),
        ("Null", False, True),
        ("Bool", True, True),
    ],
)
def test_operators(operator: str, wanted: object, fits: bool) -> None:
    assert holds({operator: {"aws:RequestTag/a": wanted}}, aws__RequestTag_a="true") == fits


@pytest.mark.parametrize(
    ("operator", "fits"),
    [
        ("StringEquals", False),
        ("StringEqualsIfExists", True),
        ("StringNotEquals", True),  # the trap: a deny with it hits every other resource too
        ("StringLike", False),
        ("ForAllValues:StringEquals", True),
        ("ForAnyValue:StringEquals", False),
    ],
)
def test_operators_without_the_key(operator: str, fits: bool) -> None:
    assert holds({operator: {"aws:RequestTag/a": "true"}}) == fits


@pytest.mark.parametrize(
    ("operator", "keys", "fits"),
    [
        ("ForAllValues:StringEquals", ["a"], True),
        ("ForAllValues:StringEquals", ["a", "b"], True),
        ("ForAllValues:StringEquals", ["a", "c"], False),
        ("ForAnyValue:StringEquals", ["a", "c"], True),
        ("ForAnyValue:StringEquals", ["c"], False),
    ],
)
def test_operators_over_several_values(operator: str, keys: list[str], fits: bool) -> None:
    assert holds({operator: {"aws:TagKeys": ["a", "b"]}}, aws__TagKeys=keys) == fits


def test_names_of_keys_have_no_case_and_all_must_hold() -> None:
    condition = {"StringEquals": {"AWS:requesttag/a": "1", "ec2:Region": "us-east-1"}}
    assert holds(condition, aws__RequestTag_a="1", ec2__Region="us-east-1")
    assert not holds(condition, aws__RequestTag_a="1", ec2__Region="eu-central-1")


@pytest.mark.parametrize(
    "wrong",
    [
        {"Statement": []},
        policy(Effect="Maybe"),
        policy(NotAction="ec2:*"),
        policy(Action="RunInstances"),
        policy(Resource="instance/*"),
        policy(Condition={"StringIs": {"a": "b"}}),
        policy(Sid="with space"),
        policy(Action=[f"ec2:Run{'a' * 200}" for _ in range(40)]),
        policy(Why="because"),
    ],
)
def test_what_is_no_policy_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        check_document(wrong)
