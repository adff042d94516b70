"""Names of lake objects say what they are."""

from __future__ import annotations

from trunkline.lake import layout


def test_only_rows_and_tombstones_name_a_batch() -> None:
    """A compacted file holds rows of several batches, and other files none."""
    batch = "0" * 32
    for name, expected in [
        (f"{batch}.parquet", batch), (f"{batch}.moved.parquet", batch), (f"compacted-{batch}.parquet", None),
        ("other.parquet", None),
    ]:  # fmt: skip
        assert layout.batch_of(f"d/t/year=2026/month=03/day=08/{name}") == expected
