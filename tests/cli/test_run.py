"""`trunkline run`, `runs` and `up` as people type them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from homes import jsonl, narrow

from trunkline.cli.main import run

OWN = """
[object.narrow]
grain = "One row per id."
key = ["id"]
version = "changed_at"
event_time = "changed_at"
partition = "changed_at"
[object.narrow.columns]
id = { type = "text", path = "ContactId" }
changed_at = { type = "timestamp", path = "Changed" }
"""


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """A command in a home with an object of its own, read from a folder; its exit code, data and notes."""
    home, arriving = tmp_path / "home", tmp_path / "arriving"
    home.mkdir()
    (home / "objects.toml").write_text(OWN)
    monkeypatch.setenv("TRUNKLINE_HOME", str(home))
    monkeypatch.setenv("TRUNKLINE_RUN_SOURCES", f"narrow={arriving}/*.json")

    def asked(*words: str) -> tuple[int, str, str]:
        code = run(words)
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return code, said.out, said.err

    asked.arriving = arriving  # type: ignore[attr-defined]
    return asked


def test_a_failed_run_is_shown_and_retried(ask) -> None:
    """The list, the steps with the error, and the retry that does its work; everything also as JSON."""
    code, _, err = ask("run", "narrow")
    assert code == 2
    assert "no file matches" in err
    (failed,) = json.loads(ask("runs", "list", "--failed", "--output", "json")[1])
    assert (failed["state"], failed["failed_step"], failed["read"]) == ("failed", "extract", 0)
    code, out, _ = ask("runs", "show", failed["run_id"])
    assert code == 0
    assert "Failed in extract: no file matches" in out
    ask.arriving.mkdir()
    (ask.arriving / "a.json").write_bytes(jsonl([narrow("1"), narrow("2")]))
    code, out, err = ask("runs", "retry", failed["run_id"])
    assert code == 0
    assert "2 records read = 2 inserted" in out
    assert "succeeded" in err
    code, _, err = ask("runs", "retry", failed["run_id"])
    assert code == 0
    assert "A later run has done the work" in err
    latest = json.loads(ask("runs", "list", "narrow", "--output", "json")[1])[0]
    assert (latest["state"], latest["changed"]) == ("succeeded", 2)
    steps = json.loads(ask("runs", "show", latest["run_id"], "--output", "json")[1])
    assert [step["step"] for step in steps] == ["extract", "stage", "merge", "verify"]
    assert f"Repeats {failed['run_id']}" in ask("runs", "show", latest["run_id"])[1]


def test_a_run_with_nothing_due_says_when_the_next_one_is(ask) -> None:
    """And --now reads anyway."""
    ask.arriving.mkdir()
    (ask.arriving / "a.json").write_bytes(jsonl([narrow("1")]))
    assert ask("run", "narrow")[0] == 0
    code, out, err = ask("run", "narrow")
    assert (code, out) == (0, "")
    assert "No window is due; the next one is at" in err
    (ask.arriving / "b.json").write_bytes(jsonl([narrow("2")]))
    assert "1 record read = 1 inserted" in ask("run", "narrow", "--now")[1]


def test_mistakes_are_explained(ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 2, and what would be valid."""
    assert "there is no object 'x'" in ask("runs", "list", "x")[2]
    ask("run", "narrow")
    code, _, err = ask("runs", "show", "x")
    assert code == 2
    assert "there is no run 'x'; the latest are: narrow-" in err
    monkeypatch.setenv("TRUNKLINE_UP_STREAMS", "kinesis://s=contact_rekord")
    code, _, err = ask("up", "--no-wallboard")
    assert code == 2
    assert "did you mean 'contact_record'" in err
    monkeypatch.delenv("TRUNKLINE_UP_STREAMS")
    monkeypatch.delenv("TRUNKLINE_RUN_SOURCES")
    code, _, err = ask("up")
    assert code == 2
    assert "there is nothing to run: name sources of objects in run_sources" in err


def test_the_state_machine_of_an_own_object(ask) -> None:
    """The same as the catalogue's."""
    code, out, _ = ask("runs", "state-machine", "narrow")
    assert code == 0
    assert json.loads(out)["States"]["Start"]["Parameters"]["object"] == "narrow"
