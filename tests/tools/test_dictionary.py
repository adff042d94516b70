"""Dictionary and picture: complete, true to the catalogue, and well-formed."""

from __future__ import annotations

import re

from tools.dictionary import dictionary, flow_picture, meaning_and_null
from trunkline.engines.catalogue import ENGINES
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.objects.model import Column, Object


def _rows(page: str) -> list[list[str]]:
    table = page.partition("## Columns")[2].partition("\n## ")[0]
    lines = [line for line in table.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_every_column_has_a_whole_row(obj: Object) -> None:
    """One row per column in table order, every cell in its place, types of every engine, no cell empty."""
    head, _, *rows = _rows(dictionary(obj))
    assert head[:6] == ["column", *ENGINES, "unit"]
    assert [row[0] for row in rows] == [f"`{column.name}`" for column in obj.columns]
    assert {len(row) for row in rows} == {len(head)}
    for row, column in zip(rows, obj.columns, strict=True):
        cells = dict(zip(head, row, strict=True))
        assert cells["meaning"] or cells["NULL"], column.name
        assert cells["NULL"], column.name
        assert cells["ours"] == ("" if column.is_amazon else "ours")
        assert cells["personal data"] == ("" if column.pii == "none" else column.pii)
        assert [cells[name] for name in ENGINES] == [f"`{e.type_of(column)}`" for e in ENGINES.values()]


def test_the_page_says_what_the_table_is(obj: Object) -> None:
    """Grain, tables, key, version, partition and delete rule come before the columns."""
    top = dictionary(obj).partition("## Columns")[0]
    for word in (obj.grain, obj.lake_table, obj.warehouse_table, obj.delete_rule, f"`{obj.version}`", obj.partition):
        assert word in top
    assert ("153 columns" in top) == (obj is CONTACT_RECORD or obj.name == "contact_record")


def test_meaning_and_null_are_separated() -> None:
    """The sentence about NULL moves to their own cell, none is lost, and a key column is never NULL."""
    column = Column("x", "text", ("X",), "Time in queue. NULL if never queued, or missing. Whole seconds.")
    assert meaning_and_null(column) == ("Time in queue. Whole seconds.", "NULL if never queued, or missing.")
    assert meaning_and_null(CONTACT_RECORD.by_name["channel"])[1] == "NULL when the source leaves it out."
    for known in CONTACT_RECORD.columns:
        meaning, null = meaning_and_null(known)
        assert (null == "never NULL") == (not known.nullable)
        if known.nullable:
            assert len(f"{meaning} {null}") >= len(known.meaning), known.name


def test_the_picture_joins_every_box(obj: Object) -> None:
    """Every box has an edge, every edge has its boxes; the object's own tables are named."""
    picture = flow_picture(obj, ("Files", 'A "stream"'))
    assert picture.startswith("flowchart LR\n")
    drawn = set(re.findall(r"^  (\w+)[\[(]", picture, re.MULTILINE))
    joined = {
        name for pair in re.findall(r"(\w+)(?:\[.*?\])? (?:-->|-\.->)(?:\|.*?\|)? (\w+)", picture) for name in pair
    }
    assert drawn == joined >= {"source0", "source1", "flatten", "lake", "dead", "ledger", "table", "view"}
    assert all(name in picture for name in (obj.lake_table, obj.warehouse_table, f"{obj.warehouse_table}_staging"))
    assert all(line.count('"') % 2 == 0 for line in picture.splitlines())
