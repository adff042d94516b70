"""What every test may use."""

from __future__ import annotations

import pytest
from goldens import Golden


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update-golden` writes golden files instead of comparing with them."""
    parser.addoption("--update-golden", action="store_true", help="write tests/golden instead of comparing")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Golden files, compared or written by `--update-golden`."""
    return Golden(bool(request.config.getoption("--update-golden")))
