"""Fixtures over the stand-alone server: one server for all tests, a fresh state for each."""

import shutil
import sys
import tempfile
import threading
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import stage  # noqa: E402

from cleanrooms_twin.server import Server  # noqa: E402


@pytest.fixture(scope="session")
def server():
    """(endpoint, the folder of buckets)."""
    folder = Path(tempfile.mkdtemp(prefix="twin-buckets-"))
    running = Server(0, folder.as_uri())
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}", folder
    running.shutdown()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def endpoint(server):
    """Where the twin listens."""
    return server[0]


@pytest.fixture
def store(server):
    """Empty buckets."""
    for place in server[1].iterdir():
        shutil.rmtree(place)
    return stage.Store(server[1])


@pytest.fixture
def twin(endpoint):
    """The control API of a twin that is as new. No answer of a test may have broken the service model."""
    control = stage.Twin(endpoint)
    control.reset()
    yield control
    broken = [r for r in control.call("GET", "log")["log"] if (r.get("error") or {}).get("code", "").startswith("Twin")]
    assert not broken, broken


@pytest.fixture
def room(twin, endpoint, store):
    """A collaboration of two."""
    return stage.Room(twin, endpoint, store)
