"""The catalogue: every object keeps the rules, and a broken one is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from trunkline.objects import catalogue
from trunkline.objects.model import RECORD_COLUMNS, Dimension, Object, check, own_column
from trunkline.objects.post_call.call import CALL

COLUMNS = {column.name: column for column in CALL.columns}


@pytest.mark.parametrize("name", catalogue.OBJECTS)
def test_built_in_objects_keep_the_rules(name: str) -> None:
    """What is asked of a user's object is asked of ours."""
    check(catalogue.OBJECTS[name])


BROKEN: dict[str, tuple[Object, str]] = {
    "twice": (replace(CALL, columns=(*CALL.columns, COLUMNS["medium"])), "column medium is declared twice"),
    "case": (replace(CALL, columns=(*CALL.columns, own_column("Tone", "tone", "Tone."))), "Tone must be lower case"),
    "record_": (
        replace(CALL, columns=(*CALL.columns, own_column("record_tone", "tone", "Tone."))),
        "record_tone must not begin with record_",
    ),
    "no record columns": (
        replace(CALL, columns=tuple(c for c in CALL.columns if c.name != "record_hash")),
        "columns record_hash are missing",
    ),
    "key": (
        replace(CALL, key=("medium",)),
        "key column medium must be declared, not nullable and one of text, bigint, integer",
    ),
    "version": (replace(CALL, version="changed_at"), "version column changed_at is not declared"),
    "partition": (
        replace(CALL, partition="medium"),
        "partition column medium must be declared and of type timestamp or date",
    ),
    "redaction": (replace(CALL, redaction=("marks", "x")), "redaction column marks is not declared"),
    "dimension": (replace(CALL, dimensions=(Dimension("team", "team_id"),)), "dimension team column team_id is not"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_object_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message has object and column, and the catalogue does not load."""
    obj, message = BROKEN[name]
    with pytest.raises(ValueError, match=f"call: .*{message}"):
        check(obj)
    monkeypatch.setitem(catalogue.OBJECTS, "call", obj)
    with pytest.raises(ValueError, match=message):
        catalogue.load()


def test_every_object_ends_with_the_record_columns() -> None:
    """What copies and merges rely on is in every table, in one order."""
    for obj in catalogue.OBJECTS.values():
        assert obj.columns[-len(RECORD_COLUMNS) :] == RECORD_COLUMNS


def test_schemas_are_those_of_all_objects(tmp_path: Path) -> None:
    """In the order of the objects, each once, then the ledger's; a user's own schemas are among them."""
    ours = ("connect_datalake", "connect", "post_call_analytics", "salesforce")
    assert catalogue.schemas(catalogue.load().values()) == (*ours, "ledger")
    path = tmp_path / "objects.toml"
    path.write_text(
        '[object.survey]\ndatabase = "voc"\nwarehouse_table = "crm.f_survey"\nkey = ["id"]\nevent_time = "at"\n'
        '[object.survey.columns]\nid = { type = "text" }\nat = { type = "timestamp" }\n'
    )
    assert catalogue.schemas(catalogue.load([path]).values()) == (*ours, "voc", "crm", "ledger")
