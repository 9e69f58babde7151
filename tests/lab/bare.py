"""A bare host on which Docker can be installed, and started as on a machine without systemd."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from mldeploy.ui import Ui
from tests.lab import hosts
from tests.lab.host import Host

# What the lab's container may not do, Debian's start script would end at.
HOOK = "test -e /etc/default/docker && echo 'ulimit() { :; }' >> /etc/default/docker"


@contextmanager
def bare_host(ui: Ui) -> Iterator[Host]:
    """No systemd starts Docker there either: the lab's own supervisor of it is told not to."""
    with hosts.lab_host(ui, engine=False, user="ubuntu") as host:
        settings = json.dumps({"cgroup-parent": f"/mldeploy-{host.name}"})
        script = f"""\
touch /run/lab/dockerd.stopped; mkdir -p /etc/docker; echo '{settings}' > /etc/docker/daemon.json
cat > /etc/apt/apt.conf.d/99lab <<'EOF'
DPkg::Post-Invoke {{ "{HOOK} || true"; }};
EOF
"""
        host.exec(["sh", "-c", script])
        yield host
