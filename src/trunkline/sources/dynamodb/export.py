"""Exports of DynamoDB tables to S3, full and incremental: the files that a manifest names, and their lines as items.

Source: DynamoDB developer guide, table export output format. The data files of an incremental export are not under its
own id, so the manifest is followed and no folder is listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import repeat
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import UNSET, Raw, UnsetType

from trunkline.aws import s3 as s3_client
from trunkline.aws.clients import make_client
from trunkline.aws.errors import translate_errors
from trunkline.errors import RecordError, UsageError
from trunkline.limits import DEAD_LETTER_BYTES_MAX
from trunkline.objects.model import Object
from trunkline.positions import Plan
from trunkline.records import Broken, Framed, KeptLetter, Mark, Texts
from trunkline.sources.dynamodb.items import RANK_EXPORT, READ_BEFORE, STREAM_AFTER, Rules, texts_of, version_text
from trunkline.sources.dynamodb.tables import rules_of
from trunkline.sources.files import reader as s3_files
from trunkline.sources.files.listing import SourceFile
from trunkline.sources.model import DurableBatch, FilesRead, SourceContext

NAME: Final = "dynamodb_export"
_ROOT: Final = "AWSDynamoDB/"
_SUMMARY: Final = "manifest-summary.json"


class _Summary(msgspec.Struct, rename="camel"):
    export_arn: str
    manifest_files_s3_key: str = msgspec.field(name="manifestFilesS3Key")
    table_arn: str = ""
    output_format: str = "DYNAMODB_JSON"
    export_type: str = "FULL_EXPORT"
    item_count: int | None = None
    export_time: str | None = None
    export_to_time: str | None = None


class _DataFile(msgspec.Struct):
    key: str = msgspec.field(name="dataFileS3Key")
    items: int | None = msgspec.field(name="itemCount", default=None)


@dataclass(frozen=True, slots=True)
class Export:
    """One export: its ARN, its table's, the time it shows (naive UTC), its data files in order, its number of items."""

    arn: str
    table_arn: str
    shown_at: datetime
    is_incremental: bool
    files: tuple[str, ...]
    items: int | None


class _Line(msgspec.Struct):
    Item: Raw | UnsetType = UNSET
    Keys: Raw | UnsetType = UNSET
    NewImage: Raw | UnsetType = UNSET
    OldImage: Raw | UnsetType = UNSET
    Metadata: Raw | UnsetType = UNSET


class _Micros(msgspec.Struct):
    N: str


class _Metadata(msgspec.Struct):
    WriteTimestampMicros: str | int | _Micros


_ITEM: Final = b'{"Item":{'
_LINE: Final = msgspec.json.Decoder(_Line)
_METADATA: Final = msgspec.json.Decoder(_Metadata)


def read_manifest(place: str, client: Any = None) -> Export:
    """The export whose folder or `manifest-summary.json` is at `place`, a local path or an `s3://` address.

    Raises UsageError where there is no export, an unfinished one, or one in Ion.
    """
    folder = place.removesuffix(_SUMMARY).rstrip("/")
    if _ROOT not in folder + "/":
        raise UsageError(f"{place} is not an export of DynamoDB: its folder is .../AWSDynamoDB/<export id>")
    root = folder[: (folder + "/").rindex(_ROOT)]
    summary = _decode(_read_file(f"{folder}/{_SUMMARY}", client), _Summary, f"{folder}/{_SUMMARY}")
    if summary.output_format != "DYNAMODB_JSON":
        raise UsageError(f"{place} is in {summary.output_format}; export the table in DYNAMODB_JSON")
    manifest = _under(root, summary.manifest_files_s3_key)
    lines = _read_file(manifest, client).splitlines()
    listed = [_decode(line, _DataFile, manifest) for line in lines if line.strip()]
    shown_at = summary.export_to_time or summary.export_time
    if shown_at is None:
        raise UsageError(f"{folder}/{_SUMMARY} has neither exportTime nor exportToTime, so its version is unknown")
    return Export(
        arn=summary.export_arn,
        table_arn=summary.table_arn,
        shown_at=datetime.fromisoformat(shown_at).astimezone(UTC).replace(tzinfo=None),
        is_incremental=summary.export_type == "INCREMENTAL_EXPORT",
        files=tuple(_under(root, file.key) for file in listed if file.items != 0),
        items=summary.item_count if summary.item_count is not None else _count_items(listed),
    )


def _count_items(listed: Iterable[_DataFile]) -> int | None:
    counts = [file.items for file in listed]
    return sum(count for count in counts if count is not None) if None not in counts else None


def _under(root: str, key: str) -> str:
    """A key of a manifest, with or without the export's prefix, below the folder where the export is now."""
    return root + key[key.rindex(_ROOT) :]


def _read_file(place: str, client: Any) -> bytes:
    try:
        if place.startswith("s3://"):
            bucket, key = s3_client.split(place)
            client = client or make_client("s3")
            with translate_errors("s3", place):
                return bytes(client.get_object(Bucket=bucket, Key=key)["Body"].read())
        with open(place, "rb") as file:
            return file.read()
    except OSError as error:
        raise UsageError(
            f"{place} cannot be read ({error.strerror}); an unfinished export has no manifest yet"
        ) from error


def reread(obj: Object, plan: Plan, rules: Rules) -> Framed:
    """The batch of a plan once more. The place of the data files gives the manifest.

    Raises SourceChangedError where a file is no longer the planned version.
    """
    folder = plan.ranges[0].place.rpartition("@")[0].rpartition("/data/")[0]
    # The lines of an incremental export have their own versions, and its files are not below its manifest.
    is_full = not f"{folder}/".endswith(_ROOT)
    export = read_manifest(folder) if is_full else Export("", "", datetime(1970, 1, 1), True, (), None)
    return read_lines(obj, export, s3_files.reread(plan, anchor="Item"), rules)


def _decode(data: bytes, type_: Any, place: str) -> Any:
    try:
        return msgspec.json.decode(data, type=type_)
    except msgspec.DecodeError as error:
        raise UsageError(f"{place} is not a manifest of an export: {error}") from error


def read_lines(obj: Object, export: Export, framed: Framed, rules: Rules) -> Framed:
    """Lines of data files as items with marks: the same ranges and positions, in a batch of this source."""
    framed = replace(framed, plan=Plan(obj.name, NAME, framed.plan.ranges))
    whole = Mark(version=version_text(export.shown_at - READ_BEFORE, RANK_EXPORT))
    records = framed.texts.records if isinstance(framed.texts, Texts) else [text.encode() for text in framed.texts]
    arrived = _arrivals(framed)
    texts = None if export.is_incremental else _read_uniform(obj, records, arrived, rules)
    if texts is not None:
        return replace(framed, texts=texts, marks=[whole] * len(texts))
    return _read_one_by_one(obj, framed, [_read_line(record, export, whole) for record in records], rules)


def _read_uniform(obj: Object, records: Sequence[bytes], arrived: Sequence[datetime], rules: Rules) -> Texts | None:
    """The texts of a full export's lines; None where one of them is not as usual."""
    begin, end = map(bytes.startswith, records, repeat(_ITEM)), map(bytes.endswith, records, repeat(b"}}"))
    if not all(begin) or not all(end):
        return None
    texts = texts_of(obj, [record[len(_ITEM) - 1 : -1] for record in records], arrived, rules, {})
    good = [text for text in texts if isinstance(text, bytes)]
    return Texts(good) if len(good) == len(texts) else None


def _read_one_by_one(obj: Object, framed: Framed, lines: Sequence[_ExportLine | RecordError], rules: Rules) -> Framed:
    kept = [(index, line) for index, line in enumerate(lines) if not _is_filtered(line, rules)]
    usable = [line for _, line in kept if isinstance(line, _ExportLine)]
    times = _arrivals(framed)
    arrived = [times[index] for index, line in kept if isinstance(line, _ExportLine)]
    removed = {index: "user" for index, line in enumerate(usable) if line.mark.is_deleted}
    texts = iter(texts_of(obj, [line.item for line in usable], arrived, rules, removed))
    good: list[tuple[int, bytes, Mark]] = []
    broken = list(framed.broken)
    for index, line in kept:
        text = line if isinstance(line, RecordError) else next(texts)
        if isinstance(text, RecordError):
            raw, range_index, offset = framed.texts[index].encode(), framed.range_indexes[index], framed.offsets[index]
            broken.append(Broken(range_index, offset, raw[:DEAD_LETTER_BYTES_MAX], len(raw), text.code, str(text)))
        elif isinstance(line, _ExportLine):
            good.append((index, text, line.mark))
    return replace(
        framed,
        texts=Texts(text for _, text, _ in good),
        range_indexes=[framed.range_indexes[index] for index, _, _ in good],
        offsets=[framed.offsets[index] for index, _, _ in good],
        broken=broken,
        marks=[mark for _, _, mark in good],
        filtered=len(lines) - len(kept),
    )


def _arrivals(framed: Framed) -> list[datetime]:
    """When the file of each line arrived."""
    return [framed.plan.ranges[index].arrived_at for index in framed.range_indexes]


class _ExportLine(NamedTuple):
    """A line: the item in typed JSON, and its version."""

    item: bytes
    mark: Mark


def _is_filtered(line: _ExportLine | RecordError, rules: Rules) -> bool:
    # An export does not say who removed an item, so only the rule `none` leaves its removals out.
    return isinstance(line, _ExportLine) and line.mark.is_deleted and rules.deletes == "none"


def _read_line(record: bytes, export: Export, whole: Mark) -> _ExportLine | RecordError:
    """One line. `whole` is the mark of every line of a full export."""
    if not export.is_incremental and record.startswith(_ITEM) and record.endswith(b"}}"):
        return _ExportLine(record[len(_ITEM) - 1 : -1], whole)
    try:
        line = _LINE.decode(record)
        if line.Item is not UNSET:
            return _ExportLine(bytes(line.Item), whole)
        if line.Metadata is UNSET:
            return RecordError("wrong_type", "the line has neither Item nor Metadata, so it is not of an export")
        version = version_text(_written_at(line.Metadata) + STREAM_AFTER, RANK_EXPORT)
    except (msgspec.DecodeError, ValueError, OverflowError):
        return RecordError("wrong_type", "the line is not of an export, or has no time of its change")
    if line.NewImage is not UNSET:
        return _ExportLine(bytes(line.NewImage), Mark(version=version))
    removed = line.OldImage if line.OldImage is not UNSET else line.Keys
    if removed is UNSET:
        return RecordError("missing_image", "a line with neither NewImage nor Keys")
    return _ExportLine(bytes(removed), Mark(version=version, is_deleted=True))


def _written_at(metadata: Raw) -> datetime:
    """When the change was made, rounded down to the second as in a stream, so that both sort in the same order."""
    value = _METADATA.decode(metadata).WriteTimestampMicros
    micros = int(value.N if isinstance(value, _Micros) else value)
    return datetime(1970, 1, 1) + timedelta(seconds=micros // 1_000_000)


class ExportSource:
    """Lines of an export's data files, which are read as any file is."""

    name = NAME

    def __init__(
        self, context: SourceContext, export: Export | None = None, files: Sequence[SourceFile] = (), client: Any = None
    ) -> None:
        self._context, self._export, self._files, self._client = context, export, files, client
        self._rules = rules_of(context.settings)

    def read(self, done: FilesRead) -> Iterator[Framed | None]:
        """The items of the export's files beyond `done`, in large batches."""
        if self._export is None:
            return
        obj, size = self._context.obj, self._context.settings.batch_bytes
        for framed in s3_files.read_batches(self._files, done, obj.name, size, self._client, anchor="Item"):
            yield read_lines(obj, self._export, framed, self._rules)

    def reread(self, plan: Plan) -> Framed | None:
        """The batch of a plan. Raises SourceChangedError where a file is no longer the planned version."""
        return reread(self._context.obj, plan, self._rules)

    def after_durable(self, batches: Sequence[DurableBatch]) -> None:
        """Nothing: the ledger records how far each file is read."""

    def revive(self, letter: KeptLetter) -> tuple[str, Mark] | None:
        """The record in the letter."""
        return s3_files.revive(letter)
