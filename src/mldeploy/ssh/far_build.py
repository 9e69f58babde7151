"""`docker build` on the host itself, from a context that was sent; it outlives a cut line.

The program runs apart from any connection and writes to a file, of which we read on. A build that
nobody waits for any more, after Ctrl+C, is ended by its own process group.
"""

from __future__ import annotations

import secrets
import shlex
import time
from collections.abc import Mapping
from contextlib import suppress

from mldeploy.errors import MldeployError
from mldeploy.images.output import Output
from mldeploy.ssh.connection import Connection, LostError
from mldeploy.ssh.upload import FOLDER

SECONDS = 3600
LOOK_SECONDS = 0.5
SILENT_SECONDS = 900

# Values come by standard input and go on by the environment: `ps` on the host shows names only. A
# line that is cut ends what comes as if that were all: so the last line says that it is. Whoever
# makes the folder `begun` begins.
WHOLE = "# whole"
BEGIN = f"""\
set -eu; umask 077; cd {FOLDER}
job=$1 context=$2 tag=$3; shift 3
mkdir -p "$job"; cat > "$job/env.$$"
if [ "$(tail -n 1 "$job/env.$$")" != "{WHOLE}" ]; then rm -f "$job/env.$$"; exit 9; fi
if ! mkdir "$job/begun" 2>/dev/null; then rm -f "$job/env.$$"; exit 0; fi
mv "$job/env.$$" "$job/env"
cat > "$job/go" <<'EOF'
cd "$1"; job=$2 context=$3 tag=$4; shift 4
set -a; . "$job/env"; set +a; rm -f "$job/env"
docker build --tag "$tag" --force-rm "$@" - < "$context" > "$job/log" 2>&1 || code=$?
echo "${{code:-0}}" > "$job/code.part"; mv "$job/code.part" "$job/code"
EOF
setsid sh "$job/go" "$PWD" "$job" "$context" "$tag" "$@" < /dev/null > /dev/null 2>&1 &
echo $! > "$job/pid"
"""
# Read the code before the log: what was written between the two is then in the log.
LOOK = f"""\
cd {FOLDER}; code=$(cat "$1/code" 2>/dev/null || true)
if [ -z "$code" ] && ! kill -0 "$(cat "$1/pid" 2>/dev/null)" 2>/dev/null; then
  sleep 0.2; code=$(cat "$1/code" 2>/dev/null || echo gone)
fi
echo "${{code:-on}}"; tail -c "+$2" "$1/log" 2>/dev/null | head -c 200000
"""
END = f"""\
cd {FOLDER}; pid=$(cat "$1/pid" 2>/dev/null || true)
if [ -n "$pid" ] && ! [ -f "$1/code" ]; then kill -TERM -- "-$pid" 2>/dev/null; fi
for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 -- "-$pid" 2>/dev/null || break; sleep 0.2; done
rm -rf "$1"
"""


def build(
    connection: Connection, context: str, tag: str, told: Mapping[str, str], output: Output
) -> None:
    """Build ``tag`` from the sent file ``context``; what went wrong is in ``output.failed``.

    A connection that breaks meanwhile is made again, and the build is not begun anew.
    """
    job = f"build-{secrets.token_hex(6)}"
    names = [word for name in told for word in ("--build-arg", name)]
    environment = "".join(f"{name}={shlex.quote(value)}\n" for name, value in told.items())
    environment += f"{WHOLE}\n"
    try:
        begun = connection.run(BEGIN, job, context, tag, *names, stdin=environment.encode())
        if begun.code != 0:
            output.failed = begun.err.strip() or f"it ended with {begun.code}"
            return
        _follow(connection, job, output)
    finally:
        with suppress(MldeployError, LostError):
            connection.once(END, job, seconds=20)


def _follow(connection: Connection, job: str, output: Output) -> None:
    deadline = time.monotonic() + SECONDS
    heard = time.monotonic()
    read = 1  # `tail -c +N` counts from 1
    kept = ""
    while True:
        found = connection.run(LOOK, job, str(read)).out
        code, _, news = found.partition("\n")
        read += len(news.encode())
        *lines, kept = (kept + news).split("\n")
        for line in lines:
            output.line(line)
        now = time.monotonic()
        heard = now if news else heard
        if code != "on" and not news:
            break
        if now > deadline or now - heard > SILENT_SECONDS:
            output.failed = f"It was stopped after {now - deadline + SECONDS:.0f} s."
            return
        if code == "on":
            time.sleep(LOOK_SECONDS)
            output.tell_if_quiet()
    if code != "0":
        output.failed = output.tail or (
            "the host was restarted, or ended it" if code == "gone" else f"it ended with {code}"
        )
