"""What the compiler's tests share: objects to compile."""

from __future__ import annotations

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
