"""Fixtures: one twin for all tests of a process, as new for each."""

import shutil
import sys
import tempfile
import threading
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent)]

import stage  # noqa: E402

from snowflake_twin.server import Server  # noqa: E402


@pytest.fixture(scope="session")
def served():
    """The one server, with its folder of buckets."""
    folder = Path(tempfile.mkdtemp(prefix="twin-buckets-"))
    running = Server(0, folder.as_uri(), [stage.KEY.public_key()])
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield running, folder
    running.shutdown()
    running.twin.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def port(served):
    """Where it listens, as new. Nothing that a test did may have broken the twin itself."""
    running, folder = served
    for place in folder.iterdir():
        shutil.rmtree(place)
    running.twin.reset()
    yield running.server_port
    broken = [r for r in running.twin.log if "TWIN:" in (r["body"] or "") and '"harness": true' in (r["body"] or "")]
    assert not broken, broken


@pytest.fixture
def buckets(served, port):
    """The folder whose sub-folders are buckets."""
    return served[1]


@pytest.fixture
def twin(port):
    """The control API."""
    return stage.Twin(port)


@pytest.fixture
def provider(port):
    """The gateway's user of the provider's account."""
    return stage.Client(port, stage.PROVIDER)


@pytest.fixture
def consumer(port):
    """The gateway's user of the consumer's account."""
    return stage.Client(port, stage.CONSUMER)


@pytest.fixture
def people(twin, provider):
    """The provider's table D.S.PEOPLE: 10 people of 2 rows in north, 4 in south, 3 in east, and one row of nobody in north."""
    rows = [[f"n{n}", "north", n + h] for n in range(10) for h in (0, 1)] + [[f"s{n}", "south", 10] for n in range(4)] + [[f"e{n}", "east", 100] for n in range(3)] + [[None, "north", 1000]]
    twin.table(stage.PROVIDER, "D.S.PEOPLE", [("ID", "VARCHAR"), ("AREA", "VARCHAR"), ("SPEND", "NUMBER(10,0)")], rows)
    return provider


@pytest.fixture
def share(people):
    """A function that puts a secure view over the people, with clauses of its own, into a share that the consumer mounts as M."""
    def make(consumer, clauses="", columns="ID, AREA, SPEND"):
        people.do(f"CREATE OR REPLACE SECURE VIEW D.S.SHOWN {clauses} AS SELECT {columns} FROM D.S.PEOPLE", "CREATE SHARE OUT", "GRANT USAGE ON DATABASE D TO SHARE OUT",
                  "GRANT USAGE ON SCHEMA D.S TO SHARE OUT", "GRANT SELECT ON VIEW D.S.SHOWN TO SHARE OUT", "ALTER SHARE OUT ADD ACCOUNTS = ACME.CONSUMER")
        consumer.do("CREATE DATABASE M FROM SHARE ACME.PROVIDER.OUT")
    return make
