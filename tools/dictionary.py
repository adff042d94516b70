"""The data dictionary of an object as one Markdown page: what a row is, what holds, and every column."""

from __future__ import annotations

import re
from collections.abc import Iterable

from trunkline.engines.catalogue import ENGINES
from trunkline.objects.model import Column, Object
from trunkline.sql.ddl import staging_table, view_columns
from trunkline.sql.lake.views import FILES_SUFFIX, MOVED_TO, PARTITION_KEYS, VERSIONS_SUFFIX, has_plain

GENERATED = "<!-- Generated from the catalogue by `make golden`. Do not edit. -->\n"

_SENTENCE_END = re.compile(r"(?<=\.)\s+(?=[A-Z])")


def dictionary(obj: Object) -> str:
    """The page: facts, guarantees, flow, columns, limits of engines. Depends on the object alone."""
    parts = [
        f"{GENERATED}\n# `{obj.name}`\n\n{_prose(obj.grain)}\n",
        _facts(obj),
        _guarantees(obj),
        f"## Flow\n\n```mermaid\n{flow_picture(obj)}```\n",
        _columns(obj),
        _lake_only(),
        _engines(),
    ]
    return "\n".join(parts)


def meaning_and_null(column: Column) -> tuple[str, str]:
    """The column's meaning without its words on NULL, and what NULL means in it ("never" where it cannot be)."""
    sentences = _SENTENCE_END.split(column.meaning)
    about_null = [sentence for sentence in sentences if re.search(r"\bNULL\b", sentence)]
    meaning = " ".join(sentence for sentence in sentences if sentence not in about_null)
    if not column.nullable:
        return meaning, "never NULL"
    return meaning, " ".join(about_null) or "NULL when the source leaves it out."


def path_text(column: Column) -> str:
    """The key path in the source record, `-` where the source cannot give the value."""
    return ".".join(column.path) if column.path else "-"


def _facts(obj: Object) -> str:
    rows = [
        ("Lake and public view", (f"`{obj.public_view}`, `{obj.lake_table}{VERSIONS_SUFFIX}`; "
                                 f"files `{obj.lake_table}{FILES_SUFFIX}`")),
        *([("Without personal data", f"`{obj.plain_view}`, in the lake")] if has_plain(obj) else []),
        ("Warehouse table", f"`{obj.warehouse_table}`, staging `{staging_table(obj)}`"),
        ("Key", _names(obj.key)),
        ("Version", f"`{obj.version}`: the later copy is the newer"),
        ("Event time", f"`{obj.event_time}`: the interval a row counts in"),
        ("Partition", f"UTC date of `{obj.partition}`, as `{'`, `'.join(PARTITION_KEYS)}`"),
        ("Deletion", _prose(obj.delete_rule)),
        ("Personal data", _names(column.name for column in obj.direct_pii) + " (direct)"),
        ("Catalogue version", str(obj.catalogue_version)),
        ("Source", _prose(obj.source) or "-"),
    ]  # fmt: skip
    return "| | |\n|---|---|\n" + "".join(f"| {name} | {value} |\n" for name, value in rows)


def _guarantees(obj: Object) -> str:
    key, amazon = _names(obj.key), [column for column in view_columns(obj) if column.is_amazon]
    lines = [
        f"One row per {key} in the warehouse and, within a partition, in the lake view.",
        (
            "The best version wins in any order of arrival: fidelity, then version, then whether it is redacted, then "
            "catalogue version, then hash. Loading a record twice changes nothing."
        ),
        "Every record read is in the lake, or is a dead letter with its bytes, or was left out by a stated rule.",
        "A source field that is not listed here is kept in `record_unmapped`.",
        "Timestamps are UTC without zone, with microseconds. Unknown is NULL, never 0 and never an empty text.",
    ]
    if amazon:
        lines.append(f"The view `{obj.public_view}` has Amazon's {len(amazon)} columns, in Amazon's order and units.")
    return "## What holds\n\n" + "".join(f"- {line}\n" for line in lines)


def _columns(obj: Object) -> str:
    heads = ["column", *ENGINES, "unit", "meaning", "NULL", "personal data", "path in the source", "defined by", "ours"]
    lines = [_row(heads), "|" + "---|" * len(heads) + "\n", *(_row(_cells(column)) for column in obj.columns)]
    return (
        f"## Columns\n\n{len(obj.columns)} columns, in table order. `ours` marks what Amazon's table has not. Types "
        "are those of the warehouse table; in Athena, of the lake files.\n\n" + "".join(lines)
    )


def _cells(column: Column) -> list[str]:
    meaning, null = meaning_and_null(column)
    types = [f"`{engine.type_of(column)}`" for engine in ENGINES.values()]
    path = "-" if column.path is None else f"`{path_text(column)}`" + _TRANSFORMS[column.transform]
    pii, ours = ("" if column.pii == "none" else column.pii), ("" if column.is_amazon else "ours")
    return [f"`{column.name}`", *types, column.unit or "", meaning, null, pii, path, column.source, ours]


_TRANSFORMS = {
    "plain": "",
    "seconds_to_ms": " x 1000",
    "last_arn_segment": ", what follows its last `/`",
    "union_to_text": ", each value as text",
}


def _lake_only() -> str:
    meaning, null = meaning_and_null(MOVED_TO)
    keys = _names(PARTITION_KEYS)
    return (
        f"## In the lake only\n\n`{MOVED_TO.name}`: {meaning} {null}\n\n"
        f"{keys}: text, from the path; name them in WHERE, and a query reads only the days it names.\n"
    )


def _engines() -> str:
    rows = [
        _row([name, refusal.what, refusal.instead, refusal.source])
        for name, engine in ENGINES.items()
        for refusal in engine.refuses
    ]
    head = _row(["engine", "does not take", "instead", "source"])
    return "## What engines refuse\n\n" + head + "|---|---|---|---|\n" + "".join(rows)


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(_prose(cell).replace("|", "\\|") for cell in cells) + " |\n"


def _prose(text: str) -> str:
    return " ".join(text.split())


SOURCES = ("Files on disk or in S3",)
"""What every object can be read from; a pipeline with more sources names them."""


def flow_picture(obj: Object, sources: tuple[str, ...] = SOURCES) -> str:
    """Mermaid text without the code fence. Boxes are stages, cylinders are stored, rounded boxes are read by people."""
    folder = f"{obj.lake_folder}/year=/month=/day="
    lines = ["flowchart LR"]
    lines += [f'  source{number}["{_safe(name)}"] --> flatten' for number, name in enumerate(sources)]
    lines += [
        '  flatten["flatten: typed rows"]',
        f'  lake[("lake: every version<br/>{_safe(folder)}")]',
        f'  staging[("staging<br/>{_safe(staging_table(obj))}")]',
        f'  table[("warehouse: best version per key<br/>{_safe(obj.warehouse_table)}")]',
        '  dead[("dead letters: bytes kept")]',
        '  ledger[("ledger: every record accounted for")]',
        f'  lakeview(["lake views<br/>{_safe(obj.public_view)}<br/>{_safe(obj.lake_table + VERSIONS_SUFFIX)}"])',
        f'  view(["warehouse view<br/>{_safe(obj.public_view)}"])',
        "  flatten -->|accepted| lake",
        "  flatten -->|set aside, with reason| dead",
        "  dead -->|replay| flatten",
        "  lake -->|batch| staging",
        "  staging -->|merge| table",
        "  lake -->|rebuild| table",
        "  lake --> lakeview",
        "  table --> view",
        "  flatten -.->|counts| ledger",
        "  table -.->|counts, same transaction| ledger",
    ]
    return "\n".join(lines) + "\n"


def _safe(text: str) -> str:
    # A quotation mark ends a Mermaid label; `#quot;` is Mermaid's own escape of it.
    return text.replace('"', "#quot;").replace("\n", " ")
