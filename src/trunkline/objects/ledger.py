"""The ledger's tables in a warehouse: batches merged, positions read, records set aside, periods reconciled, runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from trunkline.objects.model import Column, Type

LEDGER_SCHEMA: Final = "ledger"
"""The schema of all of them."""


@dataclass(frozen=True, slots=True)
class LedgerTable:
    """A table that Trunkline fills itself, one row per key."""

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
        _count("read", "Source records: JSON objects, and spans that are not."),
        _count("filtered", "Left out by a stated rule."),
        _count("dead_letter", "Set aside."),
        _count("inserted", "New keys."),
        _count("updated", "Known keys with a better version."),
        _count("deleted", "Keys that a better version deletes."),
        _count("superseded", "Lost to a better version."),
        _count("duplicate", "Equal to an existing row."),
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
        _col("batch_id", "text", "The batch that set it aside; its bytes are stored under this id.", False, 32),
        _col("reason", "text", "Why, as a code.", False, 64),
        _col("detail", "text", "Why, for people; never a value of the record.", False, 4096),
        _col("length_bytes", "bigint", "Length of the record, of which up to the first MiB is stored.", False),
        _col("arrived_at", "timestamp", "When it arrived, UTC.", False),
        _col("set_aside_at", "timestamp", "When it was set aside first, UTC.", False),
        _col("replays", "bigint", "Number of replays.", False),
        _col("replayed_in", "text", "The batch that landed it. NULL while it is set aside.", length_max=32),
    ),
)

_PERIOD_KEY = (
    _col("object", "text", "The object.", False, 128),
    _col("source", "text", "The source whose listing it is compared with, such as one Connect instance.", False, 256),
    _col("period_start", "timestamp", "Begin of the period, a UTC day.", False),
)

PERIOD = LedgerTable(
    name="ledger.period",
    grain="One row per object, source and period: how complete it is.",
    key=("object", "source", "period_start"),
    columns=(
        *_PERIOD_KEY,
        _col("period_end", "timestamp", "End of the period, not part of it.", False),
        _col(
            "state", "text", "open: it has not ended; settling: late contacts may arrive; closed: certified.", False, 16
        ),
        _count("stream", "Its contacts from the stream, in stream files or set aside."),
        _count("listed", "Contacts that the source lists as ended in it."),
        _count("lake", "Contacts of it in the lake."),
        _count("warehouse", "Contacts of it in this warehouse."),
        _count("missing", "Listed, but not in both lake and warehouse."),
        _count("dropped", "Listed, and left out by a rule."),
        _count("only_in_stream", "Held and never listed: reported, no gap."),
        _count("moved", "Listed in it, but stored with an end in another period."),
        _count("at_api_fidelity", "Held, and rebuilt from the API."),
        _count("differing", "In only one of lake and warehouse, or with different ends, and not listed."),
        _count("gone", "Certified, no longer stored, and unexplained."),
        _col(
            "listed_as_of",
            "timestamp",
            "Time of the oldest listing of a part of it, UTC. NULL while a part is not listed.",
        ),
        _col("examined_at", "timestamp", "When it was compared last, UTC.", False),
        _col("closed_at", "timestamp", "When its certificate was written, UTC. NULL while it is not closed."),
        _col("pairs", "bigint", "Contacts in the hash in force. NULL while it is not closed."),
        _col("sha256", "text", "Hash over the sorted (id, end) pairs in force. NULL while it is not closed.", True, 64),
        _count("amendments", "Amendments appended to its certificate."),
    ),
)

SIGHTING = LedgerTable(
    name="ledger.sighting",
    grain="One row per contact of a period that is in one place and missing in another.",
    key=("object", "source", "period_start", "id"),
    columns=(
        *_PERIOD_KEY,
        _col("id", "text", "The contact.", False, 256),
        _col("began_at", "timestamp", "When it began, UTC. NULL when unknown."),
        _col("ended_at", "timestamp", "When it ended, UTC. NULL when unknown."),
        _col(
            "why",
            "text",
            "never seen, late, dead letter, not merged, only in stream, ...: why it is believed so.",
            False,
            64,
        ),
        _col("detail", "text", "Details in words. NULL when there are none.", True, 4096),
        _col("found_at", "timestamp", "When the difference was first found, UTC.", False),
        _col("settled_at", "timestamp", "When it was found in all places. NULL until then."),
    ),
)

AMENDMENT = LedgerTable(
    name="ledger.amendment",
    grain="One row per contact that an amendment to a certificate names.",
    key=("object", "source", "period_start", "number", "id"),
    columns=(
        *_PERIOD_KEY,
        _col("number", "bigint", "Which amendment, from 1.", False),
        _col("id", "text", "The contact.", False, 256),
        _col("change", "text", "completed, changed, moved out, dropped by rule.", False, 32),
        _col("ended_before", "timestamp", "Its end before. NULL when it was not in the period."),
        _col("ended_after", "timestamp", "Its end since. NULL when it is no longer in the period."),
        _col("appended_at", "timestamp", "When the amendment was appended, UTC.", False),
    ),
)

CERTIFICATE = LedgerTable(
    name="ledger.certificate",
    grain="One row per closed period: what shows that no document of its certificate was changed or removed.",
    key=("object", "source", "period_start"),
    columns=(
        *_PERIOD_KEY,
        _col("documents", "bigint", "The certificate and its amendments: how many.", False),
        _col("head", "text", "SHA-256 of the last of them, as it is stored in the lake.", False, 64),
    ),
)

INSTALLATION = LedgerTable(
    name="ledger.installation",
    grain="One row per object: what `warehouse install`, or the opening of an embedded warehouse, put in place.",
    key=("object",),
    columns=(
        _col("object", "text", "The object.", False, 64),
        _col("fingerprint", "text", "Hash of the statements that made its tables, views and procedures.", False, 64),
        _col("catalogue_version", "bigint", "The catalogue's version.", False),
        _col("code_version", "text", "The version of Trunkline that installed them.", False, 64),
        _col("installed_at", "timestamp", "When, UTC.", False),
    ),
)

LAKE = LedgerTable(
    name="ledger.lake",
    grain="One row: the lake that the warehouse is filled from.",
    key=("lake_id",),
    columns=(
        _col(
            "lake_id",
            "text",
            "The id in the lake's `_ledger/lake.json`; it moves with the lake.",
            False,
            32,
        ),
        _col("place", "text", "The lake's URL when it was first used.", False, 512),
        _col("first_used_at", "timestamp", "When a home with this lake first opened the warehouse, UTC.", False),
    ),
)

RUN = LedgerTable(
    name="ledger.run",
    grain="One row per run of an object's pipeline, by hand, by a schedule or by a state machine.",
    key=("run_id",),
    columns=(
        _col("run_id", "text", "The object, the end of what the run covers, and the number of the try.", False, 128),
        _col("object", "text", "The object.", False, 128),
        _col("started_by", "text", "command, schedule, retry or state machine.", False, 32),
        _col("state", "text", "running, succeeded, failed; interrupted: it ended without saying how.", False, 16),
        _col("window_start", "timestamp", "Start of the windows that the run covers, UTC.", False),
        _col("window_end", "timestamp", "Their end, UTC. A run that succeeded covers everything before it.", False),
        _count("windows", "Windows of the schedule that were due; 0 for a run between two of them."),
        _col("started_at", "timestamp", "When it began, UTC.", False),
        _col("ended_at", "timestamp", "When it ended, UTC. NULL while it runs."),
        _col("seconds", "double", "How long it took. NULL while it runs."),
        _count("rows_read", "Source records read."),
        _count("rows_changed", "Rows inserted, updated or deleted."),
        _count("dead_letter", "Records set aside."),
        _count("bytes_read", "Decoded bytes read; 0 for what an API gave."),
        _col("failed_step", "text", "The step that failed: see ledger.run_step. NULL where none did.", length_max=32),
        _col("error", "text", "What was wrong and what to do, without secrets. NULL where nothing was.", True, 4096),
        _col("execution", "text", "The state machine's execution. NULL for a run on one machine.", length_max=512),
        _col("retry_of", "text", "The failed run that this one repeats. NULL for others.", length_max=128),
        _count("revision", "How often the row was written; the latest is there."),
        _col("code_version", "text", "The version of Trunkline that ran.", False, 64),
    ),
)

RUN_STEP = LedgerTable(
    name="ledger.run_step",
    grain="One row per step of a run, and per try of a step where a state machine repeated it.",
    key=("run_id", "step_number"),
    columns=(
        _col("run_id", "text", "The run.", False, 128),
        _count("step_number", "Order of the steps, from 1."),
        _col("step", "text", "begin, extract, stage, merge, verify or notify.", False, 32),
        _col("started_at", "timestamp", "When it began, UTC. Steps of one process overlap.", False),
        _col("seconds", "double", "Time that it took.", False),
        _count("step_rows", "Rows that it handled."),
        _count("step_bytes", "Bytes that it read; 0 where it reads none."),
        _col("detail", "text", "How, such as copy or insert. NULL where there is one way.", True, 256),
        _col("error", "text", "What was wrong, without secrets. NULL where nothing was.", True, 4096),
    ),
)

RUN_LOCK = LedgerTable(
    name="ledger.run_lock",
    grain="One row per object: the run that may work on it.",
    key=("object",),
    columns=(
        _col("object", "text", "The object.", False, 128),
        _col("owner", "text", "Who has the lock, or had it last: an execution, or one run of a process.", False, 512),
        _col("holder", "text", "The same for people.", False, 512),
        _col("expires_at", "timestamp", "The lock is free from then on, UTC; a run that goes on renews it.", False),
    ),
)

LEDGER_TABLES = (
    BATCH,
    POSITION,
    DEAD_LETTER,
    PERIOD,
    SIGHTING,
    AMENDMENT,
    CERTIFICATE,
    LAKE,
    INSTALLATION,
    RUN,
    RUN_STEP,
    RUN_LOCK,
)
