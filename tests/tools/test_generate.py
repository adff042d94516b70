"""Generated files: what is committed is what the catalogue gives, and `--check` finds every difference."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.generate import differences, main, produced, write

ROOT = Path(__file__).parents[2]


def test_committed_files_are_what_the_catalogue_gives() -> None:
    """Nobody edited a generated file, and nobody changed the catalogue without generating."""
    assert differences(ROOT, produced()) == []


def test_written_files_are_up_to_date(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Into an empty folder everything is missing and then written; a second run says and changes nothing."""
    assert main(["--root", str(tmp_path), "--check"]) == 1
    assert "missing sql/duckdb/contact_record.sql" in capsys.readouterr().out
    assert not any(tmp_path.iterdir())
    assert main(["--root", str(tmp_path)]) == 0
    capsys.readouterr()
    assert main(["--root", str(tmp_path), "--check"]) == 0
    assert main(["--root", str(tmp_path)]) == 0
    assert capsys.readouterr().out == ""


def test_check_names_stale_missing_and_extra(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each kind of difference is one line with its path; generating again heals all three."""
    write(tmp_path, produced())
    (tmp_path / "sql/athena/contact_record.sql").write_text("-- edited by hand\n")
    (tmp_path / "sql/redshift/contact_record.sql").unlink()
    (tmp_path / "sql/postgres/left_over.sql").write_text("")
    (tmp_path / "sql/by_hand.sql").write_text("")
    assert main(["--root", str(tmp_path), "--check"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "stale sql/athena/contact_record.sql",
        "missing sql/redshift/contact_record.sql",
        "extra sql/postgres/left_over.sql",
    ]
    assert main(["--root", str(tmp_path)]) == 0
    assert differences(tmp_path, produced()) == []
    assert (tmp_path / "sql/by_hand.sql").exists(), "only folders of generated files are cleaned"


def test_two_producers_never_write_one_file() -> None:
    """A path that is produced twice is a fault of the registry, not a race."""
    with pytest.raises(ValueError, match=r"sql/a\.sql is produced twice"):
        produced([lambda: [("sql/a.sql", "")], lambda: [("sql/a.sql", "")]])
