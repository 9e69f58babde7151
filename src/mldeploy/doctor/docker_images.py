"""The images that others made: are they there, can they be had, and may we ask for them?"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from mldeploy.doctor.checks import Finding, Fix, ok
from mldeploy.doctor.docker_host import same_architecture
from mldeploy.doctor.docker_reach import ANSWER_SECONDS, Reach
from mldeploy.engines.docker_client import told
from mldeploy.ui import Ui

# What registries and networks say, what it means, and what helps.
TROUBLES = (
    (
        ("no such host", "name resolution", "unreachable", "no route", "timeout", "deadline"),
        "the engine has no way to the registry",
        "look at the engine's network and DNS; or bring the image along: docker load -i FILE",
    ),
    (
        ("x509", "certificate"),
        "the engine does not trust the registry's certificate, as behind a company's proxy",
        "give the engine's machine that certificate, then: sudo systemctl restart docker",
    ),
    (
        ("proxyconnect", "407"),
        "the engine's proxy refuses",
        "mend the proxy that `docker info` shows, then: sudo systemctl restart docker",
    ),
    (("toomanyrequests", "rate limit"), "the registry has had enough for today", "docker login"),
    (
        ("manifest unknown", "not found", "no such manifest"),
        "there is no image of that name",
        "mend `base` in mldeploy.toml",
    ),
    (
        ("unauthorized", "denied", "authentication required"),
        "there is no image of that name, or it is not for everybody",
        "docker login, or mend `base` in mldeploy.toml",
    ),
)


def image(check: str, name: str, reach: Reach) -> Finding:
    """An image that `up` builds on or starts; the engine asks its registry if it has none."""
    import docker

    there = str(reach.facts.version.get("Arch"))
    with told():
        try:
            found = reach.client.images.get(name)
        except docker.errors.ImageNotFound:
            return _in_reach(check, name, there, reach)
    made_for = str(found.attrs.get("Architecture"))
    if made_for and not same_architecture(made_for, there):
        return Finding(
            check,
            "error",
            f"{name} is there for {made_for}, and the engine is {there}: nothing in it would run.",
            f"docker pull --platform linux/{there} {name}",
        )
    return ok(check, f"{name} is there")


def environment_of(name: str, reach: Reach) -> dict[str, str] | None:
    """What an image sets for everything in it; None when it is not there."""
    import docker

    with told():
        try:
            settings = reach.client.images.get(name).attrs["Config"].get("Env") or []
        except docker.errors.ImageNotFound:
            return None
    return dict(line.split("=", 1) for line in settings if "=" in line)


def credentials(environment: Mapping[str, str]) -> Finding:
    """The programs that ~/.docker/config.json names for passwords: one that is missing breaks every
    pull and build, also of public images."""
    place = Path(environment.get("DOCKER_CONFIG") or Path.home() / ".docker") / "config.json"
    try:
        settings = json.loads(place.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ok("credentials", "none are stored; public images need none")
    except (OSError, ValueError) as error:
        return Finding("credentials", "error", f"{place} can't be read: {error}.", f"mend {place}")
    for helper in helpers_of(settings):
        if shutil.which(f"docker-credential-{helper}") is None:
            return Finding(
                "credentials",
                "error",
                f"{place} names `{helper}` for passwords, and there is no "
                f"docker-credential-{helper}: pulls and builds would fail.",
                f"install it, or take it out of {place} (credsStore, credHelpers)",
            )
    return ok("credentials", f"as {place} has them")


def helpers_of(settings: Any) -> list[str]:
    if not isinstance(settings, dict):
        return []
    helpers = settings.get("credHelpers")
    named = list(helpers.values()) if isinstance(helpers, dict) else []
    return sorted({str(one) for one in [settings.get("credsStore"), *named] if one})


def out_of_reach(check: str, name: str, text: str) -> Finding:
    """What a registry's refusal means."""
    lower = text.lower()
    known = [(why, do) for words, why, do in TROUBLES if any(word in lower for word in words)]
    unknown = (text.strip().rstrip(".")[-300:], f"docker pull {name}     (says more)")
    why, do = known[0] if known else unknown
    return Finding(check, "error", f"{name} is not there and can't be had: {why}.", do)


def _in_reach(check: str, name: str, there: str, reach: Reach) -> Finding:
    import docker
    import requests

    try:
        about = reach.client.api.inspect_distribution(name)  # type: ignore[no-untyped-call]
    except docker.errors.APIError as error:
        return out_of_reach(check, name, str(error.explanation or error))
    except requests.exceptions.Timeout:
        return out_of_reach(check, name, f"timeout after {ANSWER_SECONDS} s")
    except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
        return out_of_reach(check, name, str(error))
    made_for = [one.get("architecture", "") for one in about.get("Platforms") or []]
    if made_for and not any(same_architecture(one, there) for one in made_for):
        message = f"{name} exists for {', '.join(sorted(set(made_for)))}, and not for {there}."
        return Finding(check, "error", message, "another `base` in mldeploy.toml")
    return Finding(
        check,
        "warning",
        f"{name} is not there yet; its registry has it, and the first `up` pulls it.",
        f"docker pull {name}",
        Fix(f"pull {name}", lambda ui: _pull(name, reach, ui)),
    )


def _pull(name: str, reach: Reach, ui: Ui) -> None:
    ui.explain(f"docker pull {name}", "what `up` will build on, or start")
    with told(), closing(reach.fresh()) as client:
        client.images.pull(name)
