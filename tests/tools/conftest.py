"""What the tests of the generators share: objects to generate from."""

from __future__ import annotations

from pathlib import Path

import pytest

from trunkline.objects.catalogue import load
from trunkline.objects.model import Object

OBJECTS = load([Path(__file__).parents[2] / "examples" / "objects.toml"])


@pytest.fixture(params=list(OBJECTS))
def obj(request: pytest.FixtureRequest) -> Object:
    """Each object in turn: the built-in ones, and a user's own."""
    return OBJECTS[request.param]
