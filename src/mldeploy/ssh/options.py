"""What we say to `ssh` on its command line, where it counts more than any configuration."""

from __future__ import annotations

CONNECT_SECONDS = 15  # for TCP and the first words
ALIVE_SECONDS, ALIVE_TIMES = 5, 4  # a line that carries nothing for 20 s is cut

# The user's configuration says how to get there. What it says of terminals, forwardings and
# commands is for a person's session, and would break ours.
OPTIONS = (
    "-o", "ControlPersist=no",
    "-o", "RemoteCommand=none",
    "-o", "RequestTTY=no",
    "-o", "PermitLocalCommand=no",
    "-o", "ClearAllForwardings=yes",
    "-o", "ForwardAgent=no",
    "-o", "ForwardX11=no",
    "-o", "StreamLocalBindUnlink=yes",
    "-o", f"ConnectTimeout={CONNECT_SECONDS}",
    "-o", f"ServerAliveInterval={ALIVE_SECONDS}",
    "-o", f"ServerAliveCountMax={ALIVE_TIMES}",
    "-o", "Compression=yes",
    "-o", "LogLevel=ERROR",
)  # fmt: skip

# Who speaks to our own master needs no configuration: it knows the way. `ssh -O forward` would
# ask it for each LocalForward of the user's as well, and a `Match exec` would run each time.
MASTERS_OWN = ("-F", "none")
