"""Tests: what the data, the model and the service must be like is written down and checked."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from mldeploy import golden
from mldeploy.check.folder import Folder
from mldeploy.check.items import Item, Seen, failed, named, not_applicable, passed

CI = re.compile(
    r"\.github/workflows/.+\.ya?ml|\.gitlab-ci\.yml|\.circleci/config\.yml|azure-pipelines\.yml"
    r"|Jenkinsfile|\.woodpecker(\.yml|/.+\.yml)|bitbucket-pipelines\.yml"
)
REFUSALS = re.compile(r"\b4(?:00|13|15|22)\b")  # the status codes of a body that is wrong


def items() -> list[Item]:
    return [
        Item("data-tests", "tests", "Most bugs of a model are bugs of its data.",
             lambda folder: _tests(folder, "data", "schema", "clean")),
        Item("model-tests", "tests", "A good score does not show that the model behaves.",
             lambda folder: _tests(folder, "model", "behav")),
        Item("service-tests", "tests", "What users meet is the service, not the model.",
             _service_tests),
        Item("bad-input-tests", "tests", "Whoever calls a service gets it wrong sooner or later.",
             _bad_input_tests),
        Item("golden", "tests", "Without a known answer nothing proves that a release works.",
             _golden),
        Item("ci", "tests", "Tests that nobody runs find nothing.", _ci),
    ]  # fmt: skip


def _tests(folder: Folder, kind: str, *words: str) -> Seen:
    found = folder.tests_of(kind, *words)
    if found:
        return passed(named(found))
    if not folder.is_from_template and folder.test_files:
        return not_applicable("the tests are laid out otherwise")
    return failed("there are none", f"write tests/{kind}/test_{kind}.py, then: make test")


def _service_tests(folder: Folder) -> Seen:
    if not folder.serves:
        return not_applicable("there is no service")
    return _tests(folder, "service", "api", "serv")


def _bad_input_tests(folder: Folder) -> Seen:
    files = folder.tests_of("service", "api", "serv") if folder.serves else []
    if not files:
        return not_applicable("there are no tests of a service")
    found = [path for path in files if REFUSALS.search(folder.text(path))]
    if found:
        return passed(f"in {found[0]}")
    return failed(
        "no test of the service expects a refusal",
        f"{files[0]}: post a row with a missing field, and expect the status 400",
    )


def _golden(folder: Folder) -> Seen:
    if folder.champion is None:
        return not_applicable("there is no champion yet")
    run_id = folder.champion.get("run_id")
    requests = golden.read(folder.root / folder.golden, str(run_id) if run_id else None).requests
    return passed(f"{len(requests)} requests with the champion's answers")


def _ci(folder: Folder) -> Seen:
    if not folder.in_git:
        return not_applicable("it is not in git")
    found = [path for path in folder.tracked if CI.fullmatch(path) and folder.has(path)]
    if found:
        return passed(PurePosixPath(found[0]).as_posix())
    by_template = "mldeploy update --set ci=github     (or ci=gitlab)"
    by_hand = "write .github/workflows/ci.yml, that runs the tests on every push"
    return failed("no CI runs them", by_template if folder.is_from_template else by_hand)
