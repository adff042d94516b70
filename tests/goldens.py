"""Golden files: texts that were reviewed, under tests/golden."""

from __future__ import annotations

from pathlib import Path

GOLDEN = Path(__file__).parent / "golden"


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
