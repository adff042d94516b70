"""`load` ends with a code that scripts can trust: 0 done, 1 failed, 2 wrong usage; never with a traceback."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from homes import contact, jsonl, write

from trunkline.cli.main import run

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def load(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs `load contact_record` on arguments; code, output, messages."""

    def call(*args: object) -> tuple[int, str, str]:
        sys.stdout.flush()
        code = run(["load", "contact_record", *map(str, args), "--home", str(tmp_path / "home")])
        found = capfd.readouterr()
        assert "Traceback" not in found.err
        return code, found.out, found.err

    return call


def test_done(load: Run, tmp_path: Path) -> None:
    """A load ends with 0 and one JSON object; a poison among good records is no failure unless --strict says so."""
    file = write(tmp_path / "in", contact("a"))
    with file.open("ab") as more:
        more.write(b"{poison}\n")
    code, out, _ = load(file, "--output", "json")
    assert code == 0
    found = json.loads(out)
    terms = ("read", "filtered", "dead_letter", "inserted", "updated", "deleted", "superseded", "duplicate", "rejected")
    assert [found[name] for name in terms] == [2, 0, 1, 1, 0, 0, 0, 0, 0]
    assert {"object", "batches", "bytes", "seconds"} <= set(found)


def test_strict(load: Run, tmp_path: Path) -> None:
    """With --strict a record set aside is a failure, reported after everything else is loaded."""
    (tmp_path / "in").write_bytes(jsonl([contact("a")]) + b"{poison}\n")
    code, out, _ = load(tmp_path / "in", "--strict", "--output", "json")
    assert (code, json.loads(out)["inserted"]) == (1, 1)


def test_nothing_to_read(load: Run, tmp_path: Path) -> None:
    """An empty folder and an empty file are read, and hold nothing."""
    (tmp_path / "in").mkdir()
    assert load(tmp_path / "in")[0] == 0
    (tmp_path / "in" / "empty").touch()
    assert load(tmp_path / "in")[0] == 0


@pytest.mark.parametrize("name", ["no such file", "*.none", ""])
def test_a_path_that_names_nothing(load: Run, tmp_path: Path, name: str) -> None:
    """A path that names nothing is wrong usage, and the message names it."""
    code, _, err = load(tmp_path / name if name else "\0")
    assert code == 2
    assert name in err


def test_an_unknown_object(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The message lists what is known."""
    assert run(["load", "contact_recrod", str(tmp_path), "--home", str(tmp_path / "home")]) == 2
    assert "contact_record" in capfd.readouterr().err


def test_a_home_that_cannot_be(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A home that is a file, and a warehouse that is no DuckDB file, are reported in a sentence."""
    (tmp_path / "file").touch()
    assert run(["load", "contact_record", str(tmp_path), "--home", str(tmp_path / "file")]) == 2
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "warehouse.duckdb").write_bytes(b"not a database, just text" * 1000)
    assert run(["load", "contact_record", str(tmp_path), "--home", str(tmp_path / "home")]) == 1
    err = capfd.readouterr().err
    assert "Traceback" not in err
    assert "unexpected" not in err


def test_nothing_usable(load: Run, tmp_path: Path) -> None:
    """Where everything is set aside, or a file is of another format, the command fails and says what it was."""
    (tmp_path / "in").write_bytes(b"{poison}\n" * 3)
    code, out, err = load(tmp_path / "in")
    assert (code, out) == (1, "3 records read = 0 inserted + 3 set aside\n")
    assert "Set aside: 3 x invalid_json (" in err
    write(tmp_path / "both" / "a", contact("a"))
    (tmp_path / "both" / "b").write_bytes(b"Obj\x01\x04\x14avro.codec")
    code, out, err = load(tmp_path / "both")
    assert (code, out) == (1, "1 record read = 1 inserted\n")
    assert f"{tmp_path / 'both' / 'b'} is an Avro file, and was not loaded" in err


def test_standard_input(load: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` reads it to its end."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(jsonl([contact("a"), contact("b")]))))
    code, out, _ = load("-")
    assert (code, out) == (0, "2 records read = 2 inserted\n")


def test_several_objects(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Objects with commas between are loaded from the same files, one account each; what cannot be is wrong usage."""
    event = {"AgentARN": "a", "EventType": "LOGIN", "EventId": "e", "EventTimestamp": "2026-03-03T10:00:00.000Z"}
    file = write(tmp_path / "in", contact("a"), event)

    def call(*words: object) -> tuple[int, str, str]:
        code = run(["load", *map(str, words), "--home", str(tmp_path / "home")])
        return (code, *capfd.readouterr())

    for objects, path, says in (
        ("contact_record,users", file, "records of users are not told apart"),
        ("contact_record,agent_evnt", file, "did you mean 'agent_event'?"),
        ("contact_record,agent_event", "-", "standard input is read for one object"),
    ):
        code, _, err = call(objects, path)
        assert (code, says in err) == (2, True), err
    assert not (tmp_path / "home").exists()
    code, out, _ = call("contact_record,agent_event", file, "--output", "json")
    assert code == 0
    found = [json.loads(line) for line in out.splitlines()]
    assert [(one["object"], one["inserted"], one["filtered"]) for one in found] == [
        ("contact_record", 1, 1),
        ("agent_event", 1, 1),
    ]
