"""The ledger's own tables in a warehouse: which batches came, how far files are read, what was set aside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trunkline.objects.model import Column, Type


@dataclass(frozen=True, slots=True)
class LedgerTable:
    """A table that Trunkline fills itself; rows are inserted once per key."""

    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def by_name(self) -> Mapping[str, Column]:
        """Columns by name."""
        return {column.name: column for column in self.columns}


def _col(name: str, type_: Type, meaning: str, nullable: bool = True, length_max: int | None = None) -> Column:
    return Column(
        name, type_, None, meaning, nullable=nullable, is_amazon=False, source="Trunkline", length_max=length_max
    )


def _count(name: str, meaning: str) -> Column:
    return _col(name, "bigint", meaning, nullable=False)


BATCH = LedgerTable(
    name="ledger.batch",
    grain="One row per batch merged into this warehouse.",
    key=("batch_id",),
    columns=(
        _col("batch_id", "text", "Identity of the batch, from its positions.", False, 32),
        _col("object", "text", "The object loaded.", False, 128),
        _col("source", "text", "s3_files, dead_letter, ...; a dead letter's records were read before.", False, 64),
        _col("first_position", "text", "Where the batch begins.", False, 4096),
        _count("read", "Source records: objects and spans that are none."),
        _count("filtered", "Left out by a stated rule."),
        _count("dead_letter", "Set aside."),
        _count("inserted", "New keys."),
        _count("updated", "Known keys with a better version."),
        _count("deleted", "Keys that a better version deletes."),
        _count("superseded", "Lost to a better version."),
        _count("duplicate", "Equal to a row that is there."),
        _count("rejected", "Refused by this warehouse."),
        _count("bytes_read", "Decoded bytes."),
        _col("drift", "text", "How the batch's records differ from the catalogue, JSON. NULL without records."),
        _col("loaded_at", "timestamp", "When the rows were written to the lake, UTC.", False),
        _col("merged_at", "timestamp", "When they were merged here, UTC.", False),
        _col("code_version", "text", "The version of Trunkline that flattened it.", False, 64),
    ),
)

POSITION = LedgerTable(
    name="ledger.position",
    grain="One row per object and version of a file: how far it is read.",
    key=("object", "uri", "version"),
    columns=(
        _col("object", "text", "The object loaded.", False, 128),
        _col("uri", "text", "The file.", False, 4096),
        _col("version", "text", "The file's version.", False, 256),
        _col("next_offset", "bigint", "Decoded bytes before this offset are read.", False),
        _col("is_complete", "boolean", "Whether the file is read to its end.", False),
    ),
)

DEAD_LETTER = LedgerTable(
    name="ledger.dead_letter",
    grain="One row per record set aside: position and hash of its bytes.",
    key=("object", "position", "payload_hash"),
    columns=(
        _col("object", "text", "The object it was loaded as.", False, 128),
        _col("position", "text", "Where its bytes were.", False, 4096),
        _col("payload_hash", "text", "Hash of its bytes: the same poison has the same hash.", False, 32),
        _col("batch_id", "text", "The batch that set it aside; its bytes lie under this id.", False, 32),
        _col("reason", "text", "Why, as a code.", False, 64),
        _col("detail", "text", "Why, for people; never a value of the record.", False, 4096),
        _col("length_bytes", "bigint", "Length of the record; up to its first MiB is kept.", False),
        _col("arrived_at", "timestamp", "When it arrived, UTC.", False),
        _col("set_aside_at", "timestamp", "When it was set aside first, UTC.", False),
        _col("replays", "bigint", "How often it was run again.", False),
        _col("replayed_in", "text", "The batch that landed it. NULL while it is set aside.", length_max=32),
    ),
)

INSTALLATION = LedgerTable(
    name="ledger.installation",
    grain="One row per object: what `warehouse install` put in place on a server. An embedded warehouse has none.",
    key=("object",),
    columns=(
        _col("object", "text", "The object.", False, 64),
        _col("fingerprint", "text", "Hash of the statements that made its tables, views and procedures.", False, 64),
        _col("catalogue_version", "bigint", "The catalogue's version.", False),
        _col("code_version", "text", "The version of Trunkline that installed them.", False, 64),
        _col("installed_at", "timestamp", "When, UTC.", False),
    ),
)

LEDGER_TABLES = (BATCH, POSITION, DEAD_LETTER, INSTALLATION)
