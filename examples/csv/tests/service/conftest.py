import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from package_size import paths
from package_size.monitoring import log
from package_size.service import PackageSize

from ..conftest import Project


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the service writes down what it is asked."""
    return tmp_path_factory.mktemp("service") / log.FOLDER


# For the whole session: BentoML 1.4 registers its metrics at the start, once in a process.
@pytest.fixture(scope="session")
def client(project: Project, logs: Path) -> Iterator[TestClient]:
    with pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as running:
        patch.setattr(paths, "here", lambda: project.layout)
        patch.setenv(log.SWITCH, "true")
        service: Any = PackageSize  # the decorator has made a service of the class
        with contextlib.chdir(logs.parent):  # it logs where it was started
            started = running.enter_context(TestClient(service.to_asgi()))
        yield started
