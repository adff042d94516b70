"""A picture of one object's way from its sources to the tables people read, as a Mermaid flowchart."""

from __future__ import annotations

from trunkline.objects.model import Object
from trunkline.sql.ddl import staging_table
from trunkline.sql.lake_views import VERSIONS_SUFFIX

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
