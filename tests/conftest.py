"""What every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update-golden` writes golden files instead of comparing with them."""
    parser.addoption("--update-golden", action="store_true", help="write tests/golden instead of comparing")


class Golden:
    """Compares a text with a file under tests/golden, or writes the file."""

    def __init__(self, is_updating: bool) -> None:
        self.is_updating = is_updating

    def check(self, name: str, text: str) -> None:
        """The file holds this text and one newline."""
        path = GOLDEN / name
        if self.is_updating:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n", encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text + "\n", f"{name} is stale; run pytest --update-golden"


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Golden files, compared or written by `--update-golden`."""
    return Golden(bool(request.config.getoption("--update-golden")))
