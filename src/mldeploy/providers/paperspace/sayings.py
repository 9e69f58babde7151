"""What Paperspace says, in three parts: what happened, why, what to do. Pure.

Its errors are a code, of which there are twelve, and a sentence. Where one code stands for several
things, words of the sentence tell which; those words are no promise of Paperspace's.
"""

from __future__ import annotations

import re

from mldeploy.errors import ConfigError, FailedError, MldeployError
from mldeploy.providers.paperspace.errors import (
    Asked,
    BusyError,
    CloudError,
    KeyRefusedError,
    LimitError,
    NoCapacityError,
    NotThereError,
    UnknownOutcomeError,
)

CONSOLE = "https://console.paperspace.com"
NEW_KEY = (
    f"make one ({CONSOLE}, Team settings, API Keys), then: export PAPERSPACE_API_KEY=…; "
    "mldeploy doctor"
)
AGAIN = "in a minute: mldeploy up   (it goes on where this one stopped)"
OURS = "report this with the output of mldeploy --version: it is a mistake of ours"
# {…} is of Asked; {said} is Paperspace's own sentence.
Parts = tuple[type[MldeployError], str, str, str]

# Of these codes the sentence may say more.
TOLD_BY_WORDS = {"BAD_REQUEST", "FORBIDDEN", "CONFLICT", "PRECONDITION_FAILED"}
WORDS: tuple[tuple[str, str, Parts], ...] = (
    ("busy", r"currently (being )?\w+ing\b|in progress|in use|is assigned|still attached", (
        BusyError, "It is changing, and can't be changed meanwhile.", "{said}",
        "in a minute: mldeploy up, or: mldeploy down",
    )),
    ("no-capacity", r"capacity|out of stock|sold out|(not|un)available|no .* available", (
        NoCapacityError, "Paperspace has no {machine_type} free in {region} just now.", "{said}",
        'or_machine_types = ["C7"] in mldeploy.toml, another region, or later: mldeploy up',
    )),
    ("needs-approval", r"approv|request access|not enabled for", (
        LimitError, "Your Paperspace team may not have a {machine_type} yet.",
        "{said} Big machines are unlocked one team at a time.",
        f"ask for it in the console ({CONSOLE}): it takes a day or two; or another machine_type",
    )),
    ("account", r"payment|billing|credit card|good standing|phone|verif|suspend|locked", (
        FailedError, "Paperspace lets this account rent nothing.", "{said}",
        f"{CONSOLE}, Billing: add or mend a card, confirm the phone; then: mldeploy doctor",
    )),
    ("limit", r"\bmax(imum)?\b|limit|quota|too many machines", (
        LimitError, "Your Paperspace team has as many machines as it may have.", "{said}",
        "end one (mldeploy orphans), or ask Paperspace's support for more",
    )),
    ("template", r"template", (
        ConfigError, "Paperspace does not take that template.", "{said}",
        "leave template_id out of mldeploy.toml: then the newest that fits is looked up",
    )),
    ("disk", r"disk ?size|storage", (
        ConfigError, "Paperspace does not take a disk of that size.", "{said}",
        'disk = "100GB" in mldeploy.toml   (50GB, 100GB, 250GB, 500GB, 1000GB, 2000GB)',
    )),
)  # fmt: skip

CODES: dict[str, Parts] = {
    "UNAUTHORIZED": (
        KeyRefusedError, "Paperspace does not accept this API key.",
        "{said} A wrong key gets the same answer as none.", NEW_KEY,
    ),
    "FORBIDDEN": (
        FailedError, "This API key may not do that: {call}.", "{said}",
        f"ask an administrator of the team, or use a key of theirs ({CONSOLE}, Team settings)",
    ),
    "BAD_REQUEST": (
        ConfigError, "Paperspace refuses a value that {call} was given.", "{said}",
        "mldeploy doctor   compares machine_type, region and disk of mldeploy.toml with what "
        "there is",
    ),
    "NOT_FOUND": (
        NotThereError, "What {call} is about is not there.", "{said}",
        "try again: mldeploy up   (it is looked up anew)",
    ),
    "METHOD_NOT_SUPPORTED": (
        FailedError, "Paperspace does not know {call}.",
        "{said} Its API may have changed since this version of mldeploy.", OURS,
    ),
    "TIMEOUT": (
        UnknownOutcomeError, "Paperspace took too long.",
        "Nobody can say whether {call} was carried out. {said}", AGAIN,
    ),
    "CONFLICT": (
        BusyError, "It is changing, and can't be changed meanwhile.", "{said}",
        "in a minute: mldeploy up, or: mldeploy down",
    ),
    "PRECONDITION_FAILED": (
        LimitError, "Paperspace refused {call}: something has to be so before.", "{said}",
        "mldeploy doctor   looks at the account, the machine type and the limits",
    ),
    "PAYLOAD_TOO_LARGE": (
        FailedError, "Paperspace finds too long what the machine was to be told.", "{said}", OURS,
    ),
    "TOO_MANY_REQUESTS": (
        UnknownOutcomeError, "Paperspace has been asked too often.",
        "{call} was refused again and again. {said}", AGAIN,
    ),
    "CLIENT_CLOSED_REQUEST": (
        UnknownOutcomeError, "The connection to Paperspace broke.",
        "Nobody can say whether {call} was carried out. {said}", AGAIN,
    ),
    "INTERNAL_SERVER_ERROR": (
        UnknownOutcomeError, "Paperspace itself went wrong.",
        "{call} failed on their side. {said}", AGAIN,
    ),
}  # fmt: skip
BY_STATUS = {
    400: "BAD_REQUEST", 401: "UNAUTHORIZED", 403: "FORBIDDEN", 404: "NOT_FOUND",
    405: "METHOD_NOT_SUPPORTED", 408: "TIMEOUT", 409: "CONFLICT", 412: "PRECONDITION_FAILED",
    413: "PAYLOAD_TOO_LARGE", 429: "TOO_MANY_REQUESTS", 499: "CLIENT_CLOSED_REQUEST",
}  # fmt: skip

# What went wrong without an answer of Paperspace's.
WITHOUT: dict[str, Parts] = {
    "unreachable": (
        UnknownOutcomeError, "Paperspace can't be reached.",
        "There is no network here, or a firewall stands between. {said}",
        "try: curl -sI https://api.paperspace.com   ; then " + AGAIN,
    ),
    "no-answer": (
        UnknownOutcomeError, "The connection to Paperspace broke before an answer came.",
        "Nobody can say whether {call} was carried out. {said}", AGAIN,
    ),
    "odd-answer": (
        UnknownOutcomeError, "What answered {call} was not Paperspace, or has changed.",
        "Its answer can't be read: {said} A proxy or a log-in page may stand between.",
        "open https://api.paperspace.com/v1/auth/session in a browser (it says null); then: "
        "mldeploy up",
    ),
}  # fmt: skip


def explain(code: str, said: str, asked: Asked) -> MldeployError:
    """Of an answer with a code that Paperspace gave."""
    known = code if code in CODES else "INTERNAL_SERVER_ERROR"
    if known in TOLD_BY_WORDS:
        for slug, words, parts in WORDS:
            if re.search(words, said, re.IGNORECASE):
                return _made(slug, parts, said, asked)
    return _made(known.lower().replace("_", "-"), CODES[known], said, asked)


def without_answer(slug: str, said: str, asked: Asked) -> MldeployError:
    return _made(slug, WITHOUT[slug], said, asked)


def never_started(said: str, asked: Asked) -> NoCapacityError:
    """A machine that was accepted, and whose event then says that nothing came of it."""
    made = NoCapacityError(
        "paperspace-never-started",
        what=f"Paperspace could not start a {asked.machine_type} in {asked.region}.",
        why=said or "It gave no reason.",
        do='or_machine_types = ["C7"] in mldeploy.toml, another region, or later: mldeploy up',
    )
    made.said = said
    return made


def _made(slug: str, parts: Parts, said: str, asked: Asked) -> MldeployError:
    kind, what, why, do = parts
    sentence = said.strip()
    if sentence and sentence[-1] not in ".!?":
        sentence += "."
    known = {
        "said": sentence,
        "call": asked.call,
        "machine_type": asked.machine_type or "machine",
        "region": asked.region or "this region",
    }
    filled = [text.format(**known).strip() for text in (what, why, do)]
    made = kind(
        f"paperspace-{slug}",
        what=filled[0],
        why=filled[1] or "Paperspace gave no reason.",
        do=filled[2],
    )
    if isinstance(made, CloudError):
        made.said = said
    return made
