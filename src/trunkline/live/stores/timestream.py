"""Amazon Timestream for LiveAnalytics, for accounts that use it already: Amazon admits no others since 2025-06-20.

`timestream://database/table?region=eu-west-1`. A point is one multi-measure record: the tags are its dimensions, the
fields its measures. Sources: Timestream developer guide, "Write records", "Quotas"; API reference, WriteRecords.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from trunkline.errors import UsageError, printable
from trunkline.limits import (
    TIMESTREAM_MAGNETIC_DAYS_MAX,
    TIMESTREAM_MEMORY_HOURS_MAX,
    TIMESTREAM_RECORDS_MAX,
    TIMESTREAM_SERIES_BYTES_MAX,
)
from trunkline.live.points import Point
from trunkline.live.stores.model import PointsWritten, RefusedPoint, sift

_SERVICE: Final = "timestream-write"
_TABLE: Final = "live"


@dataclass(frozen=True, slots=True)
class TimestreamAddress:
    """Database and table, and how `install` makes them. `kms_key` None is the service's own key."""

    database: str
    table: str = _TABLE
    region: str | None = None
    memory_hours: int = 24
    magnetic_days: int = 365
    kms_key: str | None = None


def address_of(url: str) -> TimestreamAddress:
    """The address in a URL. Raises UsageError without a database, for an unknown option, a retention out of range."""
    parts = urlsplit(url)
    options = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    valid = "timestream://database/table?region=eu-west-1&memory_hours=24&magnetic_days=365&kms_key=alias/name"
    if not parts.netloc or options.keys() - {"region", "memory_hours", "magnetic_days", "kms_key"}:
        raise UsageError(f"the live store is {printable(url)!r}; valid is {valid}")
    try:
        memory_hours = int(options.get("memory_hours", 24))
        magnetic_days = int(options.get("magnetic_days", 365))
    except ValueError:
        memory_hours = magnetic_days = 0
    if not (1 <= memory_hours <= TIMESTREAM_MEMORY_HOURS_MAX and 1 <= magnetic_days <= TIMESTREAM_MAGNETIC_DAYS_MAX):
        raise UsageError(
            f"the live store is {printable(url)!r}; memory_hours is 1 to {TIMESTREAM_MEMORY_HOURS_MAX:,} and "
            f"magnetic_days 1 to {TIMESTREAM_MAGNETIC_DAYS_MAX:,}"
        )
    table = parts.path.strip("/") or _TABLE
    return TimestreamAddress(
        parts.netloc, table, options.get("region"), memory_hours, magnetic_days, options.get("kms_key")
    )


class TimestreamStore:
    """A table that is written to, through the endpoint that the service names (botocore asks for it).

    A record's version is that of its point: of two with one time the higher one stays.
    """

    name = "timestream"

    def __init__(self, address: TimestreamAddress, client: Any = None) -> None:
        self._address = address
        self._made = client

    @property
    def _client(self) -> Any:
        if self._made is None:
            from trunkline.aws.clients import make_client

            self._made = make_client(_SERVICE, self._address.region)
        return self._made

    def install(self) -> None:
        """Make the database and the table, or give the table the retention of the address. Repeatable.

        Late records go to the magnetic store. Raises TerminalError or TransientError as the service refuses.
        """
        from trunkline.aws.errors import translate_errors

        where, client = self._address, self._client
        key = {"KmsKeyId": where.kms_key} if where.kms_key is not None else {}
        table: dict[str, Any] = {
            "DatabaseName": where.database,
            "TableName": where.table,
            "RetentionProperties": {
                "MemoryStoreRetentionPeriodInHours": where.memory_hours,
                "MagneticStoreRetentionPeriodInDays": where.magnetic_days,
            },
            "MagneticStoreWriteProperties": {"EnableMagneticStoreWrites": True},
        }
        with translate_errors(_SERVICE, self._shown):
            try:
                client.create_database(DatabaseName=where.database, **key)
            except client.exceptions.ConflictException:
                if key:
                    client.update_database(DatabaseName=where.database, **key)
            try:
                client.create_table(**table)
            except client.exceptions.ConflictException:
                client.update_table(**table)

    def write(self, points: Sequence[Point], now: datetime) -> PointsWritten:
        """Write the points, 100 a call. Rejected records are read from the answer and set aside, the others stored."""
        good, refused = sift(points, now)
        fitting = [point for point in good if _series_bytes(point) <= TIMESTREAM_SERIES_BYTES_MAX]
        reason = f"its tags have more than {TIMESTREAM_SERIES_BYTES_MAX:,} bytes"
        too_long = [RefusedPoint(point, reason) for point in good if _series_bytes(point) > TIMESTREAM_SERIES_BYTES_MAX]
        # A call must not have one record twice: the last of the highest version stands for all.
        batch = {(p.series, p.tags, p.time_ns): p for p in sorted(fitting, key=lambda point: point.version)}
        written = PointsWritten(superseded=len(fitting) - len(batch), refused=(*refused, *too_long))
        unique = [*batch.values()]
        for first in range(0, len(unique), TIMESTREAM_RECORDS_MAX):
            written = written.plus(self._put(unique[first : first + TIMESTREAM_RECORDS_MAX]))
        return written

    def close(self) -> None:
        """Close the client's connections."""
        if self._made is not None:
            self._made.close()

    @property
    def _shown(self) -> str:
        return f"the Timestream table {self._address.database}.{self._address.table}"

    def _put(self, points: Sequence[Point]) -> PointsWritten:
        from trunkline.aws.errors import translate_errors

        client = self._client
        with translate_errors(_SERVICE, self._shown):
            try:
                client.write_records(
                    DatabaseName=self._address.database,
                    TableName=self._address.table,
                    CommonAttributes={"MeasureValueType": "MULTI", "TimeUnit": "NANOSECONDS"},
                    Records=[_record(point) for point in points],
                )
            except client.exceptions.RejectedRecordsException as error:
                return _rejected(points, error.response["RejectedRecords"])
        return PointsWritten(accepted=len(points))


def _rejected(points: Sequence[Point], rejected: Sequence[dict[str, Any]]) -> PointsWritten:
    """What the service did with a call that it refused in part. One that has a version there is no loss."""
    older = [record for record in rejected if record.get("ExistingVersion") is not None]
    refused = tuple(
        RefusedPoint(points[record["RecordIndex"]], f"Timestream rejects it: {printable(record.get('Reason', ''))}")
        for record in rejected
        if record.get("ExistingVersion") is None
    )
    return PointsWritten(len(points) - len(rejected), len(older), refused)


def _record(point: Point) -> dict[str, Any]:
    return {
        "Dimensions": [{"Name": name, "Value": text} for name, text in point.tags],
        "MeasureName": point.series,
        "MeasureValues": [
            {"Name": name, "Value": repr(number), "Type": "DOUBLE"} for name, number in point.fields.items()
        ],
        "Time": str(point.time_ns),
        "Version": point.version,
    }


def _series_bytes(point: Point) -> int:
    return sum(len(name.encode()) + len(text.encode()) for name, text in point.tags)
