"""What a shell offers while a person types a command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from homes import contact, load_into, opened, write

import trunkline
from trunkline.ledger import index

SRC = str(Path(trunkline.__file__).parents[1])


def completed(line: str, folder: Path) -> list[str]:
    """As bash asks: the words so far, the last one unfinished."""
    environment = {
        **os.environ,
        "PYTHONPATH": SRC,
        "_TRUNKLINE_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split(" ")) - 1),
    }
    program = "from trunkline.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A folder with a home, the id of its dead letter, and the id of its batch."""
    folder = tmp_path_factory.mktemp("completion")
    source = write(folder / "in" / "a", contact("a"))
    with source.open("ab") as file:
        file.write(b"{poison}\n")
    (folder / "trunkline-data").mkdir()
    (folder / "trunkline-data" / "objects.toml").write_text(
        '[object.contest]\nkey = "id"\nevent_time = "at"\nversion = "at"\n[object.contest.columns]\n'
        'id = { type = "text", path = "id" }\nat = { type = "timestamp", path = "at" }\n'
    )
    with opened(folder / "trunkline-data") as opened_home:
        load_into(opened_home, source)
        (letter,) = index.dead_letters(opened_home.warehouse)
        (batch,) = index.merged_batches(opened_home.warehouse, "contact_record")
    return folder, letter.payload_hash[:12], batch


def test_names_of_the_home_are_offered(home: tuple[Path, str, str]) -> None:
    """Objects, the home's own included; dead letters and batches by id."""
    folder, letter, batch = home
    assert completed("trunkline load cont", folder) == [
        "contact_record",
        "contact_event",
        "contact_evaluation",
        "contest",
    ]
    assert "contact_statistic_record" in completed("trunkline object show con", folder)
    assert completed("trunkline dead-letter show ", folder) == [letter]
    assert completed(f"trunkline undo {batch[:4]}", folder) == [batch]


def test_names_of_the_catalogue_are_offered(home: tuple[Path, str, str]) -> None:
    """Metrics, groups, reasons and engines, without a home."""
    folder = home[0]
    assert completed("trunkline metric query service_l", folder) == ["service_level", "service_level_answered"]
    assert completed("trunkline metric query service_level --by que", folder) == ["queue"]
    assert completed("trunkline dead-letter list --reason tr", folder) == ["truncated"]
    assert completed("trunkline metr", folder) == ["metric"]


def test_a_home_that_cannot_be_opened_offers_nothing(tmp_path: Path) -> None:
    """No message between the words that a person types."""
    assert completed("trunkline dead-letter show ", tmp_path) == []
    (tmp_path / "trunkline-data").mkdir()
    (tmp_path / "trunkline-data" / "trunkline.toml").write_text("zone = ")
    assert completed("trunkline load cont", tmp_path) == []
