"""The keys of lake objects. No other module spells one."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from urllib.parse import quote

from trunkline.objects.model import Object

LEDGER = "_ledger"
BYTES = "_dead_letter_bytes"
_INSTANT = "%Y%m%dT%H%M%S%fZ"
_BATCH = re.compile(r"/([0-9a-f]{32})(?:[.][a-z]+)?[.]parquet$")


def table_prefix(obj: Object) -> str:
    """The prefix of all of an object's rows; ends in `/`."""
    return f"{obj.lake_folder}/"


def partition_prefix(obj: Object, day: date) -> str:
    """The prefix of the rows of one UTC date; ends in `/`."""
    return f"{table_prefix(obj)}year={day:%Y}/month={day:%m}/day={day:%d}/"


def rows_key(obj: Object, day: date, batch_id: str) -> str:
    """The rows of one batch in one partition."""
    return f"{partition_prefix(obj, day)}{batch_id}.parquet"


def tombstones_key(obj: Object, day: date, batch_id: str) -> str:
    """The keys that one batch moved out of a partition."""
    return f"{partition_prefix(obj, day)}{batch_id}.moved.parquet"


def compacted_key(obj: Object, day: date, fingerprint: str) -> str:
    """The one file of a compacted partition; the fingerprint is of the files it replaces."""
    return f"{partition_prefix(obj, day)}compacted-{fingerprint}.parquet"


def batch_of(key: str) -> str | None:
    """The batch a rows key belongs to; None for other objects."""
    match = _BATCH.search(key)
    return match[1] if match else None


def day_of(key: str) -> date | None:
    """The partition date in a key; None when there is none."""
    match = re.search(r"year=(\d{4})/month=(\d{2})/day=(\d{2})/", key)
    return date(int(match[1]), int(match[2]), int(match[3])) if match else None


def plan_prefix(object_name: str) -> str:
    """The prefix of an object's plans; ends in `/`."""
    return f"{LEDGER}/plan/{object_name}/"


PII_KEY = f"{LEDGER}/pii.json"
LAKE_KEY = f"{LEDGER}/lake.json"
"""The rule and the key by which personal data was stored in this lake."""


def plan_key(object_name: str, batch_id: str) -> str:
    """The plan of a batch, which exists from before its first put until it is merged."""
    return f"{plan_prefix(object_name)}{batch_id}.json"


def batch_prefix(object_name: str) -> str:
    """The prefix of the accounting of an object's batches; ends in `/`."""
    return f"{LEDGER}/batch/{object_name}/"


def batch_key(object_name: str, batch_id: str) -> str:
    """The accounting of a batch whose rows are all in the lake."""
    return f"{batch_prefix(object_name)}{batch_id}.json"


def state_key(kind: str, scope: str, name: str) -> str:
    """The progress of a source: the scan of a table (`scan`, object), its stream (`stream`, object), the collector."""
    return f"{LEDGER}/{kind}/{scope}/{quote(name, safe='')}.json"


def merge_key(object_name: str, batch_id: str) -> str:
    """The accounting of a batch in the warehouse."""
    return f"{LEDGER}/merge/{object_name}/{batch_id}.json"


def lookups_key(day: date | None) -> str:
    """The calls of a day whose transcript was looked for and not found, and when."""
    return f"{LEDGER}/asked/{day:%Y-%m-%d}.json" if day else f"{LEDGER}/asked/undated.json"


def run_prefix(object_name: str, month: date | None = None) -> str:
    """The prefix of the records of an object's runs, all or those that began in a month; ends in `/`."""
    prefix = f"{LEDGER}/run/{object_name}/"
    return f"{prefix}{month:%Y-%m}/" if month is not None else prefix


def run_key(object_name: str, run_id: str, started_at: datetime) -> str:
    """The record of a run."""
    return f"{run_prefix(object_name, started_at.date())}{run_id}.json"


def undo_prefix(object_name: str) -> str:
    """The prefix of the intents to undo batches; ends in `/`."""
    return f"{LEDGER}/undo/{object_name}/"


def undo_key(object_name: str, batch_id: str) -> str:
    """The intent to undo a batch, which exists until that is done."""
    return f"{undo_prefix(object_name)}{batch_id}.json"


def compaction_prefix(object_name: str) -> str:
    """The prefix of the records of an object's compactions; ends in `/`."""
    return f"{LEDGER}/compaction/{object_name}/"


def compaction_key(object_name: str, fingerprint: str) -> str:
    """The files that a compacted file replaced; exists until they are removed."""
    return f"{compaction_prefix(object_name)}{fingerprint}.json"


def bytes_prefix(object_name: str) -> str:
    """The prefix of the bytes of an object's dead letters; ends in `/`."""
    return f"{BYTES}/{object_name}/"


def bytes_key(object_name: str, batch_id: str) -> str:
    """The bytes of a batch's dead letters, separate from everything else."""
    return f"{bytes_prefix(object_name)}{batch_id}.jsonl"


def id_of(key: str) -> str:
    """The batch id or fingerprint that a small object is named by."""
    return key.rpartition("/")[2].partition(".")[0]


def sighting_prefix(object_name: str, source: str, period: str) -> str:
    """The prefix of a source's listings of one period; ends in `/`."""
    return f"{LEDGER}/sighting/{object_name}/{source}/{period}/"


def sighting_key(object_name: str, source: str, period: str, start: datetime, end: datetime, asked_at: datetime) -> str:
    """The ids that a source listed from `start` to `end`, requested at `asked_at`; all three are UTC."""
    times = "-".join(f"{at:{_INSTANT}}" for at in (start, end, asked_at))
    return f"{sighting_prefix(object_name, source, period)}{times}.parquet"


def sighting_times(key: str) -> tuple[datetime, datetime, datetime]:
    """Start, end and time of the request in a sighting's key, UTC."""
    start, end, asked_at = key.rpartition("/")[2].partition(".")[0].split("-")
    return _instant(start), _instant(end), _instant(asked_at)


def _instant(text: str) -> datetime:
    return datetime.strptime(text, _INSTANT).replace(tzinfo=UTC)


def finding_key(object_name: str, source: str, period: str) -> str:
    """The contacts of a period that are missing somewhere."""
    return f"{LEDGER}/finding/{object_name}/{source}/{period}.parquet"


def period_prefix(object_name: str, source: str = "") -> str:
    """The prefix of the state of an object's periods, of one source or of all; ends in `/`."""
    return f"{LEDGER}/period/{object_name}/{source}/" if source else f"{LEDGER}/period/{object_name}/"


def period_key(object_name: str, source: str, period: str) -> str:
    """The state of a period."""
    return f"{period_prefix(object_name, source)}{period}.json"


def certificates_prefix(object_name: str) -> str:
    """The prefix of all certificates of an object; ends in `/`."""
    return f"{LEDGER}/certificate/{object_name}/"


def certified_period(key: str) -> tuple[str, str]:
    """The source and the period of a key below a certificate's prefix."""
    source, period = key.split("/")[3:5]
    return source, period


def certificate_prefix(object_name: str, source: str, period: str) -> str:
    """The prefix of a period's certificate and its amendments; ends in `/`."""
    return f"{certificates_prefix(object_name)}{source}/{period}/"


def certificate_key(object_name: str, source: str, period: str, number: int) -> str:
    """The certificate (number 0) or an amendment; in the order of the keys."""
    return f"{certificate_prefix(object_name, source, period)}{number:05}.json"


def pairs_key(object_name: str, source: str, period: str) -> str:
    """The (id, end) pairs that a certificate's hash is over."""
    return f"{certificate_prefix(object_name, source, period)}pairs.parquet"
