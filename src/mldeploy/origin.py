"""What a project was made from, and which commit of that template to update to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mldeploy.errors import ConfigError, FailedError
from mldeploy.programs import ProgramError, run
from mldeploy.ui import Ui

ANSWERS = ".copier-answers.yml"
SHORTHANDS = {"gh:": "https://github.com/", "gl:": "https://gitlab.com/", "git+": ""}
NETWORK_SECONDS = 120


@dataclass(frozen=True)
class Origin:
    """What the project was made from: the template's address, and the version as Copier names it.

    A version is a tag, a commit, or both, as in ``v1.0.0-3-gabc1234``.
    """

    template: str
    version: str


def origin_of(root: Path) -> Origin:
    import yaml  # Copier's own dependency

    try:
        text = (root / ANSWERS).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise FailedError(
            "no-template",
            what="This project was not made from a template.",
            why=f"There is no {ANSWERS} in {root}: nobody knows which version its files are of.",
            do=f"git log -- {ANSWERS}     (if it was deleted, git can bring it back)",
        ) from error
    try:
        known = yaml.safe_load(text)
        template, version = str(known["_src_path"]), str(known["_commit"])
    except (yaml.YAMLError, KeyError, TypeError) as error:
        why = "It does not say both `_src_path` and `_commit`"
        if isinstance(error, yaml.YAMLError):
            why = "It is not valid YAML"
        raise FailedError(
            "no-version",
            what=f"{ANSWERS} does not name the version that this project was made from.",
            why=f"{why}: either it was edited, or the template's folder was not a git repository.",
            do=f"git log -p -- {ANSWERS}     (a made-up version would merge wrongly; else: "
            "mldeploy new ../again, and move your code there)",
        ) from error
    return Origin(template, version)


def commit_to_take(origin: Origin, ref: str | None, root: Path, ui: Ui) -> str:
    """The commit of the template to update to; a ref that only a clone could tell stays as it is.

    Always a commit, never `HEAD`: for that Copier takes uncommitted changes along, and notes a
    commit that exists nowhere, so that this update would have been the last.
    """
    checkout = Path(origin.template).expanduser()
    try:
        if checkout.is_dir() and checkout.is_absolute() and (checkout / ".git").exists():
            return _commit_in_checkout(checkout, origin, ref or "HEAD", ui)
        with ui.step("ask the template for its versions"):
            ui.explain(f"git ls-remote {origin.template}", "versions of a template are its tags")
            return _commit_by_network(origin.template, ref, root)
    except ProgramError as error:
        raise FailedError(
            "template-unreachable",
            what="The template can't be reached.",
            why=f"{ANSWERS} says that it is at {origin.template}"
            + (", and there is nothing." if checkout.is_absolute() else "."),
            do=f"git ls-remote {origin.template}     (if it has moved: change _src_path in "
            f"{ANSWERS}, commit that, and run this again)",
            detail=error.detail,
        ) from error


def _commit_in_checkout(checkout: Path, origin: Origin, ref: str, ui: Ui) -> str:
    ui.explain(f"git -C {checkout} rev-parse {ref}", "the template is a checkout on this machine")
    # Commits that only Copier's temporary clone had, for the changes that nobody had committed.
    if not _commit_named(checkout, origin.version):
        raise FailedError(
            "version-gone",
            what=f"The version that this project was made from, {origin.version}, is gone.",
            why=f"{checkout} has no such commit: the project was made from changes that were not "
            "committed, or the history was rewritten.",
            do="mldeploy new ../again, and move your code there     (nothing tells your changes "
            "from the template's)",
        )
    commit = _commit_named(checkout, ref)
    if not commit:
        raise _no_such_ref(ref, str(checkout))
    if run(["git", "status", "--porcelain", "--", "copier.yml", "template"], cwd=checkout,
           timeout=60).strip():  # fmt: skip
        ui.note("the template has uncommitted changes: they are not part of this update")
    return commit


def _commit_named(checkout: Path, ref: str) -> str:
    run(["git", "rev-parse", "--git-dir"], cwd=checkout, timeout=30)  # raises if it is unreadable
    try:
        return run(
            ["git", "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}"],
            cwd=checkout,
            timeout=30,
        ).strip()
    except ProgramError:
        return ""


def _commit_by_network(template: str, ref: str | None, root: Path) -> str:
    address = template
    for short, long in SHORTHANDS.items():
        address = long + address.removeprefix(short) if address.startswith(short) else address
    listed = run(
        ["git", "ls-remote", "--", address],
        cwd=root,
        timeout=NETWORK_SECONDS,
        env={"GIT_TERMINAL_PROMPT": "0"},  # a question nobody sees would look like a slow network
    )
    pairs = [line.split("\t", 1) for line in listed.splitlines() if "\t" in line]
    commits = {name: commit for commit, name in pairs}
    if ref is None:
        ref = _latest_tag(commits) or "HEAD"
    # An annotated tag is listed twice; the one that ends in ^{} is its commit.
    for name in (f"refs/tags/{ref}^{{}}", f"refs/tags/{ref}", f"refs/heads/{ref}", ref):
        if name in commits:
            return commits[name]
    if re.fullmatch(r"[0-9a-f]{7,64}", ref) or "-g" in ref:
        return ref
    raise _no_such_ref(ref, template)


def _latest_tag(refs: Mapping[str, str]) -> str | None:
    from packaging.version import InvalidVersion, Version  # Copier's, by the rules it follows

    versions = {}
    for name in refs:
        tag = name.removeprefix("refs/tags/")
        try:
            versions[Version(tag)] = tag
        except InvalidVersion:
            continue
    finished = [version for version in versions if not version.is_prerelease]
    return versions[max(finished)] if finished else None


def _no_such_ref(ref: str, template: str) -> ConfigError:
    return ConfigError(
        "no-such-ref",
        what=f"The template has no version {ref!r}.",
        why=f"It is neither a tag nor a branch nor a commit of {template}.",
        do=f"git ls-remote --tags {template}     (or without --ref: the newest)",
    )


def is_at(origin: Origin, commit: str) -> bool:
    checkout = Path(origin.template).expanduser()
    if checkout.is_dir() and (checkout / ".git").exists():
        return _commit_named(checkout, origin.version) == commit
    return _short(origin.version, commit) or origin.version == commit


def _short(version: str, commit: str) -> bool:
    """Does the version name that commit, as `abc1234` or `v1.0.0-3-gabc1234`?"""
    name = version.rpartition("-g")[2]
    return bool(re.fullmatch(r"[0-9a-f]{7,64}", name)) and commit.startswith(name)
