"""Secrets are found where mldeploy.toml says, and shown nowhere."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mldeploy import secret_values
from mldeploy.errors import ConfigError, FailedError, MldeployError
from mldeploy.secret_references import Reference, reference, references
from mldeploy.secret_values import Secrets, resolve

VALUE = "hf_" + "Zq7Rk2Lm9Xw4Tn8Bv3Cy6Pd1Gs5Hj0Fa4E"  # made up, in the form of a token


def told(error: MldeployError) -> str:
    """Everything that a user can get to see of an error, with --debug and --json too."""
    lines = traceback.format_exception(error)
    return json.dumps(error.as_dict(), ensure_ascii=False) + "".join(
        line for line in lines if not line.lstrip().startswith("File ")
    )


# References


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("env:HF_TOKEN", Reference("env", "HF_TOKEN")),
        ("file:secrets/token", Reference("file", "secrets/token")),
        ("file:/run/keys/a:b", Reference("file", "/run/keys/a:b")),
        ("command:pass show 'my token'", Reference("command", "pass show 'my token'")),
        ("env: HF_TOKEN ", Reference("env", "HF_TOKEN")),
    ],
)
def test_a_reference_is_read(text: str, expected: Reference) -> None:
    assert reference(text) == expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (VALUE, "secret-in-config"),
        (f"https://user:{VALUE}@example.org", "secret-in-config"),
        (f"evn:{VALUE}", "secret-in-config"),
        ("", "secret-in-config"),
        ("HF_TOKEN", "secret-in-config"),
        ("env:", "secret-reference"),
        (f"env:{VALUE}-{VALUE}", "secret-reference"),
        ("env:1ST", "secret-reference"),
        ("file:", "secret-reference"),
        ("file:src/app/token", "secret-reference"),
        ("file:./src/token", "secret-reference"),
        ("command:   ", "secret-reference"),
        (f"command:echo '{VALUE}", "secret-reference"),
    ],
)
def test_what_is_no_reference_is_refused_and_not_repeated(text: str, code: str) -> None:
    with pytest.raises(ConfigError) as refused:
        reference(text, "HF_TOKEN")

    error = refused.value
    assert error.code == code
    assert error.what.startswith("The secret HF_TOKEN ")
    assert error.why
    assert error.do
    assert VALUE not in told(error)


@given(st.text(min_size=20, max_size=60))
def test_a_refusal_never_repeats_what_was_written(text: str) -> None:
    assume(text.partition(":")[0].strip() not in ("env", "file", "command"))

    with pytest.raises(ConfigError) as refused:
        reference(text)

    assert text not in json.dumps(refused.value.as_dict(), ensure_ascii=False)


@pytest.mark.parametrize("name", ["", "1ST", "MY-TOKEN", "a b", "a=b", "naïve"])
def test_a_name_that_no_environment_can_have_is_refused(name: str) -> None:
    with pytest.raises(ConfigError) as refused:
        references({name: "env:A"}, {})

    assert refused.value.code == "secret-name"


def test_a_name_in_env_and_in_secrets_is_refused() -> None:
    with pytest.raises(ConfigError, match="TOKEN is both") as refused:
        references({"TOKEN": "env:TOKEN"}, {"TOKEN": VALUE})

    assert VALUE not in told(refused.value)


def test_a_table_written_the_wrong_way_round_is_refused_without_showing_it() -> None:
    with pytest.raises(ConfigError) as refused:
        references({VALUE: "HF_TOKEN"}, {})

    assert VALUE not in told(refused.value)


def test_a_valid_table_is_read() -> None:
    found = references({"A": "env:B", "C": "file:c"}, {"LOG_LEVEL": "info"})

    assert found == {"A": Reference("env", "B"), "C": Reference("file", "c")}


# Fetching


def test_a_variable_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", VALUE)

    assert resolve({"HF_TOKEN": "env:MY_TOKEN"}, tmp_path).reveal() == {"HF_TOKEN": VALUE}


def test_a_file_of_the_project_is_found_and_one_line_break_is_not_its_value(tmp_path: Path) -> None:
    for content in (VALUE, VALUE + "\n", VALUE + "\r\n"):
        file_with(tmp_path, content.encode())
        assert resolve({"T": "file:secrets/token"}, tmp_path).reveal() == {"T": VALUE}
    file_with(tmp_path, b"two\nlines\n\n")
    assert resolve({"T": "file:secrets/token"}, tmp_path).reveal() == {"T": "two\nlines\n"}


def test_a_file_that_others_may_read_is_warned_of(tmp_path: Path) -> None:
    path = file_with(tmp_path, b"value")
    assert resolve({"T": "file:secrets/token"}, tmp_path).warnings == []

    path.chmod(0o640)

    found = resolve({"T": "file:secrets/token"}, tmp_path)
    assert found.open_files == (path,)
    assert found.warnings == [f"other users may read the secret in {path}"]


def test_a_command_is_asked_in_the_project_without_a_shell(tmp_path: Path) -> None:
    script = "import os, sys; print(os.getcwd(), sys.argv[1])"
    command = f'command:{sys.executable} -c "{script}" "$HOME; echo *"'

    found = resolve({"T": command}, tmp_path)

    assert found.reveal() == {"T": f"{tmp_path.resolve()} $HOME; echo *"}


def missing_variable(_: Path) -> str:
    return "env:NO_SUCH_VARIABLE"


def value_for_a_name(_: Path) -> str:
    return f"env:{VALUE}"


def missing_file(_: Path) -> str:
    return "file:secrets/none"


def folder(root: Path) -> str:
    (root / "secrets").mkdir()
    return "file:secrets"


def empty_file(root: Path) -> str:
    file_with(root, b"\n")
    return "file:secrets/token"


def huge_file(root: Path) -> str:
    file_with(root, VALUE.encode() * 10_000)
    return "file:secrets/token"


def not_text(root: Path) -> str:
    file_with(root, VALUE.encode() + b"\xff")
    return "file:secrets/token"


def zero_byte(root: Path) -> str:
    file_with(root, VALUE.encode() + b"\0")
    return "file:secrets/token"


def link_into_the_code(root: Path) -> str:
    (root / "src").mkdir()
    (root / "src/token").write_text(VALUE)
    (root / "token").symlink_to(root / "src/token")
    return "file:token"


def value_in_the_command(_: Path) -> str:
    return f"command:no-such-program {VALUE}"


def missing_program(_: Path) -> str:
    return "command:no-such-password-manager show token"


def command_that_says(root: Path, script: str) -> str:
    (root / "ask.py").write_text(script)
    return f"command:{sys.executable} ask.py"


def failing(root: Path) -> str:
    return command_that_says(
        root, f"import sys; print('{VALUE}'); sys.exit('the vault is closed for {VALUE}\\nmore')"
    )


def failing_with_the_value_only(root: Path) -> str:
    return command_that_says(root, f"import sys; sys.exit('no {VALUE} here')")


def silent(root: Path) -> str:
    return command_that_says(root, "")


def hanging(root: Path) -> str:
    return command_that_says(root, f"import time; print('{VALUE}', flush=True); time.sleep(100)")


@pytest.mark.parametrize(
    ("prepare", "why"),
    [
        (missing_variable, "no such variable"),
        (value_for_a_name, "no such variable"),
        (missing_file, "No such file"),
        (folder, "directory"),
        (empty_file, "empty"),
        (huge_file, "100 kB"),
        (not_text, "UTF-8"),
        (zero_byte, "zero byte"),
        (link_into_the_code, "src/"),
        (missing_program, "No such file"),
        (value_in_the_command, "No such file"),
        (failing, "exit code 1: the vault is closed for [its output]"),
        (failing_with_the_value_only, "exit code 1."),
        (silent, "empty"),
        (hanging, "stopped after 2 s"),
    ],
)
def test_a_value_that_can_not_be_had_names_the_reference_and_no_value(
    prepare: Callable[[Path], str], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secret_values, "COMMAND_SECONDS", 2.0)
    where = prepare(tmp_path)

    with pytest.raises(FailedError) as failed:
        resolve({"HF_TOKEN": where}, tmp_path)

    error = failed.value
    assert error.code == "secret-missing"
    assert "HF_TOKEN" in error.what
    assert where.partition(":")[0] + ":" in error.what
    assert why in error.why
    assert error.do
    assert VALUE not in told(error)


def test_a_command_that_fails_does_not_show_the_secrets_before_it(tmp_path: Path) -> None:
    file_with(tmp_path, b"correct horse")
    command = command_that_says(tmp_path, "import sys; sys.exit('correct horse is wrong')")

    with pytest.raises(FailedError, match="SECOND") as failed:
        resolve({"FIRST": "file:secrets/token", "SECOND": command}, tmp_path)

    assert failed.value.why.endswith("exit code 1: [FIRST] is wrong")


# Keeping them


def test_secrets_show_their_names_only() -> None:
    secrets = Secrets({"B": VALUE, "A": "x"})

    shown = [repr(secrets), str(secrets), f"{secrets}", f"{secrets!r:>40}", "%s" % (secrets,)]  # noqa: UP031
    shown += [repr({"kept": secrets}), repr(vars(type(secrets)))]
    assert secrets.names == ("A", "B")
    assert repr(secrets) == "<secrets: A, B>"
    assert not any(VALUE in text for text in shown)


def test_secrets_can_be_neither_pickled_nor_copied_nor_written_as_json() -> None:
    secrets = Secrets({"A": VALUE})

    for write in (pickle.dumps, copy.deepcopy, json.dumps):
        with pytest.raises(TypeError) as refused:
            write(secrets)
        assert VALUE not in str(refused.value)


def test_secrets_do_not_get_into_a_log(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("test").warning("started with %s", Secrets({"A": VALUE}))

    assert caplog.messages == ["started with <secrets: A>"]


def test_what_is_revealed_is_a_copy() -> None:
    secrets = Secrets({"A": VALUE})
    secrets.reveal()["A"] = "other"

    assert secrets.reveal() == {"A": VALUE}
    assert secrets
    assert not Secrets({})


@pytest.mark.parametrize(
    ("values", "text", "expected"),
    [
        ({"A": "swordfish"}, "login with swordfish: no", "login with [A]: no"),
        ({"A": "a b&c/d"}, "GET /?key=a%20b%26c%2Fd", "GET /?key=[A]"),
        ({"A": 'say "x"'}, '{"key": "say \\"x\\""}', '{"key": "[A]"}'),
        ({"A": "naïve key"}, '{"key": "na\\u00efve key"}', '{"key": "[A]"}'),
        ({"A": "first line\nsecond line\n}"}, "second line\n}", "[A]\n}"),
        ({"A": "secret", "B": "secretive"}, "secretive secret", "[B] [A]"),
        ({"A": "HAS_A_NAME", "B": "NAME"}, "HAS_A_NAME NAME", "[A] [B]"),
        ({"A": "no"}, "no, it is not", "no, it is not"),
        ({"A": ".*.*"}, "anything but .*.*", "anything but [A]"),
        ({}, "nothing", "nothing"),
    ],
)
def test_values_are_redacted(values: Mapping[str, str], text: str, expected: str) -> None:
    assert Secrets(values).redact(text) == expected


@given(
    st.dictionaries(
        st.text("ABC", min_size=1, max_size=3), st.text("abc\\\n", min_size=4), max_size=4
    ),
    st.data(),
)
def test_no_value_survives_redaction(values: dict[str, str], data: st.DataObject) -> None:
    parts = st.one_of(st.text("abc\\\n"), st.sampled_from([*values.values(), ""]))
    text = "".join(data.draw(st.lists(parts, max_size=6)))

    redacted = Secrets(values).redact(text)

    assert not any(value in redacted for value in values.values())


def test_the_fingerprint_changes_with_names_values_and_key_and_with_nothing_else() -> None:
    one = Secrets({"A": "1", "B": "2"}).fingerprint(b"key")

    assert one == Secrets({"B": "2", "A": "1"}).fingerprint(b"key")
    assert len(one) == 64
    others = {
        Secrets({"A": "2", "B": "1"}).fingerprint(b"key"),
        Secrets({"A": "1"}).fingerprint(b"key"),
        Secrets({"A": "1", "C": "2"}).fingerprint(b"key"),
        Secrets({"A": '1", "B": "2'}).fingerprint(b"key"),
        Secrets({"A": "1", "B": "2"}).fingerprint(b"other key"),
    }
    assert len(others) == 5
    assert one not in others


def file_with(root: Path, content: bytes) -> Path:
    path = root / "secrets" / "token"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o600)
    return path
