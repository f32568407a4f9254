"""Fixtures: one twin for all tests, stand-alone or inside LocalStack (`--over localstack`), and a fresh state for each test."""

import contextlib
import shutil
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[3] / "tests" / "judge")]

import peers  # noqa: E402
import stage  # noqa: E402
import wire  # noqa: E402

from cleanrooms_twin.server import Server  # noqa: E402


def pytest_addoption(parser):
    """Which server carries the twin."""
    parser.addoption("--over", choices=("standalone", "localstack"), default="standalone", help="the server that carries the twin")


@dataclass
class Service:
    """A running twin: where it listens, where its control is, and its folder of buckets unless it has an S3 of its own."""

    endpoint: str
    control: str
    folder: Path | None = None


@contextlib.contextmanager
def standalone():
    """A server of this process over folders."""
    folder = Path(tempfile.mkdtemp(prefix="twin-buckets-"))
    running = Server(0, folder.as_uri())
    threading.Thread(target=running.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{running.server_port}"
    yield Service(endpoint, f"{endpoint}/_twin", folder)
    running.shutdown()
    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def localstack():
    """LocalStack, brought up by the harness; without it nothing here was run."""
    try:
        with peers.up("localstack") as variables:
            yield Service(variables["AIRLOCK_LOCALSTACK"], variables["AIRLOCK_CLEANROOMS_CONTROL"])
    except peers.NotRun as reason:
        pytest.exit(f"NOT RUN: {reason}", returncode=1)


@pytest.fixture(scope="session")
def server(request):
    """The one server."""
    with {"standalone": standalone, "localstack": localstack}[request.config.getoption("--over")]() as running:
        yield running


@pytest.fixture
def endpoint(server):
    """Where the twin listens."""
    return server.endpoint


@pytest.fixture
def inside(server):
    """Whether the twin is carried by LocalStack."""
    return server.folder is None


@pytest.fixture
def store(server, inside):
    """Empty buckets."""
    if inside:
        return stage.ObjectStore(server.endpoint)
    for place in server.folder.iterdir():
        shutil.rmtree(place)
    return stage.Store(server.folder)


@pytest.fixture(scope="session")
def judge():
    """The judge of the wire, which shares nothing with the twin's own validation."""
    return wire.Judge()


@pytest.fixture
def twin(server, judge):
    """The control API of a twin that is as new. No answer of a test may have broken the service model, by the twin's own reading or the judge's."""
    control = stage.Twin(server.control)
    control.reset()
    yield control
    log = control.call("GET", "log")["log"]
    broken = [r for r in log if (r.get("error") or {}).get("code", "").startswith("Twin")]
    assert not broken, broken
    service = [r["raw"] for r in log if '"harness": true' not in ((r["raw"]["answer"] or {}).get("body") or "")]
    broken = [b for raw in service for b in judge.call(raw)[1] if b.startswith("answer")]
    assert not broken, broken


@pytest.fixture
def room(twin, endpoint, store):
    """A collaboration of two."""
    return stage.Room(twin, endpoint, store)
