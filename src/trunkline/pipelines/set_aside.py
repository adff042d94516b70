"""Records that were set aside: dead letters with the bytes that were kept, and rows that a warehouse refused.

A dead letter has no row. A refused row is in the lake; only the warehouse lacks it.
"""

from __future__ import annotations

from collections.abc import Sequence

from trunkline import clock
from trunkline.accounting import Drift
from trunkline.engines.duckdb import DUCKDB
from trunkline.errors import TerminalError, UsageError
from trunkline.lake import layout
from trunkline.lake.writer import write_rows
from trunkline.ledger import index
from trunkline.ledger.index import SetAside
from trunkline.ledger.records import BatchRecord, KeptBytes, Put, decode_batch, decode_bytes, encode
from trunkline.objects.model import Object
from trunkline.pipelines.home import Home
from trunkline.positions import LetterRange, Plan
from trunkline.records import KeptLetter
from trunkline.sql.lake.views import lake_rows
from trunkline.sql.order import partition_date
from trunkline.sql.relation import PARTITION_DATE, Relation, flat_rows
from trunkline.urls import public_url
from trunkline.version import __version__


def kept_bytes(home: Home, letter: SetAside) -> KeptBytes:
    """The bytes of a dead letter. Raises UsageError when their retention is over and they are gone."""
    data = home.store.get_bytes(layout.bytes_key(letter.object_name, letter.batch_id))
    for kept in decode_bytes(data or b""):
        if (kept.position, kept.payload_hash) == (letter.position, letter.payload_hash):
            return kept
    raise UsageError(
        f"the bytes of the dead letter at {letter.position} are gone (dead_letter_retention_days is over); "
        "load the file again from where it came"
    )


def kept_letters(home: Home, plan: Plan) -> list[KeptLetter]:
    """The dead letters of a replay plan with their bytes, in its order.

    Raises UsageError where the bytes of one are gone, TerminalError where the ledger does not know one.
    """
    known = index.dead_letters(home.warehouse, plan.object_name, is_open=False)
    by_identity = {(letter.position, letter.payload_hash): letter for letter in known}
    letters: list[KeptLetter] = []
    for span in plan.ranges:
        letter = by_identity.get((span.position, span.payload_hash)) if isinstance(span, LetterRange) else None
        if letter is None:
            raise TerminalError(
                f"batch {plan.batch_id} is to run {span.first} again, which is no dead letter of {plan.object_name} in "
                f"{public_url(home.settings.warehouse)}; rebuild the warehouse, then run the same command again"
            )
        kept = kept_bytes(home, letter)
        letters.append(
            KeptLetter(
                position=letter.position,
                payload_hash=letter.payload_hash,
                payload=kept.payload,
                length=kept.length,
                reason=letter.reason,
                detail=letter.detail,
                arrived_at=letter.arrived_at,
                source=letter.source,
                mark=kept.mark,
            )
        )
    return letters


def letter_ranges(letters: Sequence[SetAside]) -> tuple[LetterRange, ...]:
    """The ranges of a replay. Each attempt is a batch of its own."""
    return tuple(
        LetterRange(letter.position, letter.payload_hash, letter.replays, letter.length, letter.arrived_at)
        for letter in letters
    )


def is_refused(letter: SetAside) -> bool:
    """Whether a dead letter is of this warehouse alone, its row being in the lake."""
    return letter.reason.startswith("refused_")


def put_refused(home: Home, obj: Object, plan: Plan) -> BatchRecord:
    """Put the rows of a plan into the lake once more, as a batch of their own, which is then merged like any other.

    Safe to repeat. Raises UsageError where a row is no longer in the lake.
    """
    wanted = {(span.position, span.payload_hash) for span in plan.ranges if isinstance(span, LetterRange)}
    known = index.dead_letters(home.warehouse, obj.name, is_open=False)
    flat = flat_rows(obj)
    letters = [letter for letter in known if (letter.position, letter.payload_hash) in wanted]
    count = select_refused(home, obj, flat, letters)
    if count != len(wanted):
        raise UsageError(
            f"{len(wanted) - count:,} of {len(wanted):,} refused rows are no longer in the lake {home.settings.lake}; "
            "load their files again from where they came"
        )
    # Durable when the accounting is there: a retry writes the same files.
    written = write_rows(home.con, obj, flat, plan.batch_id, home.store, home.scratch)
    home.con.execute(f"DROP TABLE {flat.sql}")
    record = BatchRecord(
        batch_id=plan.batch_id,
        plan=plan,
        read=count,
        filtered=0,
        dead_letter=0,
        accepted=count,
        bytes_read=0,
        puts=[Put(file.key, file.rows, file.day) for file in written],
        letters=[],
        drift=Drift(),
        loaded_at=clock.now_naive(),
        code_version=__version__,
    )
    home.store.put_bytes(encode(record), layout.batch_key(obj.name, plan.batch_id))
    return record


def select_refused(home: Home, obj: Object, flat: Relation, letters: Sequence[SetAside]) -> int:
    """Fill `flat` of the embedded engine with the lake's rows of refused letters; returns how many were found.

    They are in the partitions that their batch wrote to, in its own files or in compacted ones.
    """
    files: dict[str, None] = {}
    for batch_id in dict.fromkeys(letter.batch_id for letter in letters):
        data = home.store.get_bytes(layout.batch_key(obj.name, batch_id))
        for put in decode_batch(data).puts if data is not None else []:
            files |= dict.fromkeys(home.store.list(layout.partition_prefix(obj, put.partition_date)))
    paths = [str(home.store.fetch(key, home.scratch / "fetched")) for key in files if key.endswith(".parquet")]
    if not paths:
        return 0
    columns = ", ".join(DUCKDB.quote(column.name) for column in obj.columns)
    source = lake_rows(obj, "read_parquet($1, union_by_name = true, hive_partitioning = false)")
    home.con.execute(
        f"CREATE OR REPLACE TEMP TABLE {flat.sql} AS SELECT {columns}, {partition_date(obj, DUCKDB)} "
        f"AS {PARTITION_DATE} FROM {source} "
        "WHERE record_moved_to IS NULL AND record_position || ' ' || record_hash IN (SELECT unnest($2::VARCHAR[])) "
        "QUALIFY row_number() OVER (PARTITION BY record_position, record_hash) = 1",
        [paths, [f"{letter.position} {letter.payload_hash}" for letter in letters]],
    )
    return int(home.con.execute(f"SELECT count(*) FROM {flat.sql}").fetchall()[0][0])


def row_text(home: Home, obj: Object, letter: SetAside) -> bytes:
    """The lake's row of a refused letter as JSON, with personal data as it is stored.

    Raises UsageError where the row is no longer in the lake.
    """
    flat = flat_rows(obj)
    if not select_refused(home, obj, flat, [letter]):
        raise UsageError(f"the row at {letter.position} is no longer in the lake {home.settings.lake}")
    ((text,),) = home.con.execute(f"SELECT to_json(record_row)::VARCHAR FROM {flat.sql} AS record_row").fetchall()
    home.con.execute(f"DROP TABLE {flat.sql}")
    return str(text).encode() + b"\n"
