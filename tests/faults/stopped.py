"""A real `mldeploy` that gets a signal at one exact moment, too short to be hit from outside.

usage: python -m tests.faults.stopped WHERE WHEN COUNT SIGNAL WORD…

WHERE is `module:name` or `module:Class.name`; the signal comes `before` or `after` the COUNTth call
of it.
"""

from __future__ import annotations

import os
import signal
import sys

from tests.faults.moment import at

if __name__ == "__main__":
    where, when, count, number, *words = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    at(where, when, int(count), lambda: os.kill(os.getpid(), signal.Signals[number]))

    from mldeploy.cli.main import main

    main(words)
