"""mldeploy.toml: what is taken, and what is refused with line, expectation and nearest name."""

from __future__ import annotations

import re
import tomllib
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from mldeploy import config
from mldeploy.errors import ConfigError
from mldeploy.jobs.spec import Task
from tests.conftest import CHECKOUT

VALID = """\
[project]
name = "function-docs"
service = "function_docs.service:FunctionDocs"
model = "function-docs@champion"

[targets.local]
kind = "process"
port = 3000

[targets.second]
kind = "process"
port = 3001
"""


def load(tmp_path: Path, text: str) -> config.Config:
    path = tmp_path / "mldeploy.toml"
    path.write_text(text, encoding="utf-8")
    return config.load(path)


def refused(tmp_path: Path, text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert caught.value.exit_code == 2
    return caught.value


def test_a_valid_file_is_read_with_its_defaults(tmp_path: Path) -> None:
    read = load(tmp_path, VALID)

    served = read.project.served
    assert served.package == "function_docs"
    assert (served.model_name, served.model_alias) == ("function-docs", "champion")
    assert read.project.golden == "tests/golden.json"
    assert read.targets["local"].port == 3000


def test_the_first_target_is_the_default_one(tmp_path: Path) -> None:
    read = load(tmp_path, VALID)

    assert read.target(None) == ("local", read.targets["local"])
    assert read.target("second")[1].port == 3001


def test_an_unknown_target_names_those_that_are_there_and_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, VALID).target("locl")

    assert "local and second" in caught.value.why
    assert caught.value.do == "mldeploy up local"


@pytest.mark.parametrize(
    ("before", "after", "line", "words"),
    [
        ("port = 3000", "prot = 3000", 8, "did you mean port"),
        ("port = 3000", 'port = "3000"', 8, "a whole number from 1 to 65535"),
        ("port = 3000", "port = 70000", 8, "a whole number from 1 to 65535"),
        ("port = 3000", "port = true", 8, "a whole number from 1 to 65535"),
        ('kind = "process"', 'kind = "proces"', 7, 'did you mean kind = "process"'),
        ('kind = "process"', "", 6, "kind = one of process"),
        ("[project]", "[projet]", 1, "did you mean project"),
        ('name = "function-docs"', 'nam = "function-docs"', 2, "did you mean name"),
        ('name = "function-docs"', 'name = "Function Docs"', 2, "lower-case letters"),
        ('name = "function-docs"', "", 1, "lower-case letters"),
        ("function_docs.service:FunctionDocs", "function_docs.service", 3, "module:Class"),
        ("function-docs@champion", "function-docs", 4, "name@alias"),
        ("[targets.local]", "[targets.LOCAL]", 6, "lower-case letters"),
    ],
)
def test_a_mistake_is_refused_with_its_line_and_what_was_expected(
    tmp_path: Path, before: str, after: str, line: int, words: str
) -> None:
    assert before in VALID

    error = refused(tmp_path, VALID.replace(before, after, 1))

    assert f"line {line}:" in error.what
    assert words in f"{error.why} {error.do}"


def test_broken_toml_says_where(tmp_path: Path) -> None:
    error = refused(tmp_path, VALID + "\nport 3000\n")

    assert "line 14" in error.why


def test_a_file_without_targets_is_refused(tmp_path: Path) -> None:
    error = refused(tmp_path, VALID.partition("[targets.local]")[0])

    assert "There is no target" in error.what


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mldeploy.toml"
    path.write_bytes(b"\xff\xfe[\x00p\x00")

    with pytest.raises(ConfigError) as caught:
        config.load(path)

    assert "UTF-8" in caught.value.what


def test_a_table_that_is_not_a_table_is_refused(tmp_path: Path) -> None:
    assert (
        "not a table"
        in refused(
            tmp_path, VALID.partition("[targets.local]")[0] + '[targets]\nlocal = "process"\n'
        ).what
    )


DOCKER = (
    VALID
    + """
[targets.docker]
kind = "docker"
replicas = 2
memory = "512MB"
env = { LOG_LEVEL = "info" }
secrets = { TOKEN = "env:HF_TOKEN" }
"""
)


def test_a_docker_target_is_read_with_its_sizes_in_bytes(tmp_path: Path) -> None:
    target = load(tmp_path, DOCKER).targets["docker"]

    assert isinstance(target, config.DockerTarget)
    assert (target.replicas, target.address) == (2, "127.0.0.1")
    assert (target.memory_bytes, target.max_body_bytes) == (512_000_000, 10_000_000)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("replicas = 2", "replicas = 17", "1 to 16"),
        ("replicas = 2", "replica = 2", "replicas"),
        ('memory = "512MB"', 'memory = "lots"', "512MB"),
        ("replicas = 2", 'address = "localhost"', "127.0.0.1"),
        ("replicas = 2", 'domain = "no spaces here"', "model.example.org"),
        ("replicas = 2", "outbound = 1", "true or false"),
    ],
)
def test_what_a_docker_target_can_not_be_is_refused(
    tmp_path: Path, before: str, after: str, words: str
) -> None:
    error = refused(tmp_path, DOCKER.replace(before, after))

    assert words in error.what + error.why + error.do


@pytest.mark.parametrize(
    "written", ['{ TOKEN = "sw0rdf1sh" }', "{ TOKEN = 123456 }", '"sw0rdf1sh"']
)
def test_a_secret_that_is_written_out_is_refused_and_not_repeated(
    tmp_path: Path, written: str
) -> None:
    error = refused(tmp_path, DOCKER.replace('{ TOKEN = "env:HF_TOKEN" }', written))

    said = error.what + error.why + error.do + error.detail
    assert "sw0rdf1sh" not in said
    assert "123456" not in said


@pytest.mark.parametrize("also", ['domain = "model.example.org"', 'tls = "own"'])
def test_a_private_target_with_a_certificate_for_others_is_refused(
    tmp_path: Path, also: str
) -> None:
    error = refused(
        tmp_path, VALID + f'[targets.box]\nkind = "ssh"\nhost = "box"\nprivate = true\n{also}\n'
    )

    assert "private" in error.what
    assert also.partition(" ")[0] in error.what


JOBS = """\
[project]
name = "digits"

[targets.local]
kind = "process"

[jobs.train]
command = "python train.py"
on = "local"
max_runtime = "90m"
data = ["mnist/2:/input", "?me/datasets/x/1:/floyd/input/x"]
env = { EPOCHS = "5" }
"""


def test_a_project_that_only_runs_jobs_is_read_and_says_that_nothing_is_served(
    tmp_path: Path,
) -> None:
    read = load(tmp_path, JOBS)

    assert read.jobs["train"].longest == timedelta(minutes=90)
    assert read.jobs["train"].unanswered == ("?me/datasets/x/1:/floyd/input/x",)
    assert not read.project.serves
    with pytest.raises(ConfigError) as caught:
        read.project.require_served()
    assert caught.value.code == "nothing-to-serve"
    assert "service =" in caught.value.do


@pytest.mark.parametrize(
    ("before", "after", "line", "words"),
    [
        ("command =", "comand =", 8, "did you mean command"),
        ("[jobs.train]", "[job.train]", 7, "did you mean jobs"),
        ("[jobs.train]", "[jobs.Train]", 7, "lower-case letters"),
        ('command = "python train.py"', "", 7, "one line for the shell"),
        ('command = "python train.py"', 'command = " "', 8, "one line for the shell"),
        ('on = "local"', 'on = "locla"', 9, 'did you mean on = "local"'),
        ('"90m"', '"90 minutes"', 10, "a duration"),
        ('"90m"', "3600", 10, "a duration"),
        ('"mnist/2:/input"', '"mnist/2"', 11, "SOURCE:MOUNT"),
        ('on = "local"', 'outputs = "/output"', 9, "a folder in this project"),
        ('on = "local"', 'outputs = "a/../../b"', 9, "a folder in this project"),
        ('on = "local"', 'python = "2.7"', 9, "a version of Python"),
        ('on = "local"', "gpu = 1", 9, "true or false"),
        ('name = "digits"', 'name = "digits"\nmodel = "digits@champion"', 1, "module:Class"),
    ],
)
def test_a_mistake_in_a_job_is_refused_with_its_line(
    tmp_path: Path, before: str, after: str, line: int, words: str
) -> None:
    assert before in JOBS

    error = refused(tmp_path, JOBS.replace(before, after, 1))

    assert f"line {line}:" in error.what
    assert words in f"{error.why} {error.do}"


def test_all_that_the_page_shows_is_valid() -> None:
    page = (CHECKOUT / "docs/mldeploy-toml.md").read_text(encoding="utf-8")
    text = "\n".join(re.findall(r"```toml\n(.*?)```", page, re.DOTALL))

    read = config.parse(tomllib.loads(text), text, Path("mldeploy.toml"))

    keys = {field.name for field in msgspec.structs.fields(Task)}
    assert {"local", "docker", "box", "aws"} <= set(read.targets)
    assert all(re.search(rf"^{key} = ", text, re.MULTILINE) for key in keys)
