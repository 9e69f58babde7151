"""The practice cloud: the whole story of a rented machine, for nothing, on your own computer.

Its machines are containers of your own Docker, each with an sshd and a Docker engine inside. Its
prices are play money: they are asked for, counted and receipted like real ones, and nobody is paid.
"""

from __future__ import annotations

from mldeploy.providers.fake.provider import Fake
from mldeploy.providers.fake.settings import FakeTarget

__all__ = ["Fake", "FakeTarget"]
