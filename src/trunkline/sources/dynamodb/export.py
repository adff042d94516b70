"""Exports of DynamoDB tables to S3, full and incremental: what their manifests name, and their lines as items.

Source: DynamoDB developer guide, table export output format. Data files of an incremental export do not lie under its
own id, so the manifest is followed and no folder listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
from trunkline.records import Broken, Framed, Mark, Texts
from trunkline.sources.dynamodb.items import RANK_EXPORT, READ_BEFORE, STREAM_AFTER, texts_of, version_text
from trunkline.sources.dynamodb.shapes import Rules
from trunkline.sources.files import reader as s3_files

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
    """One export: its table's ARN, the instant it shows (naive UTC), its data files in order, items by its manifest."""

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

    Raises UsageError where there is none, or one that is not finished, or one in Ion.
    """
    folder = place.removesuffix(_SUMMARY).rstrip("/")
    if _ROOT not in folder + "/":
        raise UsageError(f"{place} is no export of DynamoDB: its folder is .../AWSDynamoDB/<export id>")
    root = folder[: (folder + "/").rindex(_ROOT)]
    summary = _decoded(_bytes(f"{folder}/{_SUMMARY}", client), _Summary, f"{folder}/{_SUMMARY}")
    if summary.output_format != "DYNAMODB_JSON":
        raise UsageError(f"{place} is in {summary.output_format}; export the table in DYNAMODB_JSON")
    manifest = _under(root, summary.manifest_files_s3_key)
    lines = _bytes(manifest, client).splitlines()
    listed = [_decoded(line, _DataFile, manifest) for line in lines if line.strip()]
    shown = summary.export_to_time or summary.export_time
    if shown is None:
        raise UsageError(f"{folder}/{_SUMMARY} has neither exportTime nor exportToTime, so its version is unknown")
    return Export(
        arn=summary.export_arn,
        table_arn=summary.table_arn,
        shown_at=datetime.fromisoformat(shown).astimezone(UTC).replace(tzinfo=None),
        is_incremental=summary.export_type == "INCREMENTAL_EXPORT",
        files=tuple(_under(root, one.key) for one in listed if one.items != 0),
        items=summary.item_count if summary.item_count is not None else _sum(listed),
    )


def _sum(listed: Iterable[_DataFile]) -> int | None:
    counts = [one.items for one in listed]
    return sum(count for count in counts if count is not None) if None not in counts else None


def _under(root: str, key: str) -> str:
    """A key of a manifest, which may or may not hold the export's prefix, below where the export lies now."""
    return root + key[key.rindex(_ROOT) :]


def _bytes(place: str, client: Any) -> bytes:
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
            f"{place} cannot be read ({error.strerror}); an export that is not finished has no manifest yet"
        ) from error


def reread(obj: Object, plan: Plan, rules: Rules) -> Framed:
    """The batch of a plan once more. The manifest is found by the data files' own place.

    Raises SourceChangedError as files do.
    """
    folder = plan.ranges[0].uri.rpartition("/data/")[0]
    # The lines of an incremental export say their versions themselves, and its files do not lie below its manifest.
    is_full = not f"{folder}/".endswith(_ROOT)
    export = read_manifest(folder) if is_full else Export("", "", datetime(1970, 1, 1), True, (), None)
    return read_lines(obj, export, s3_files.reread(plan), rules)


def _decoded(data: bytes, type_: Any, place: str) -> Any:
    try:
        return msgspec.json.decode(data, type=type_)
    except msgspec.DecodeError as error:
        raise UsageError(f"{place} is no manifest of an export: {error}") from error


def read_lines(obj: Object, export: Export, framed: Framed, rules: Rules) -> Framed:
    """Lines of data files as items with marks: the batch has the same ranges and positions, and is of this source."""
    framed = replace(framed, plan=Plan(obj.name, NAME, framed.plan.ranges))
    whole = Mark(version=version_text(export.shown_at - READ_BEFORE, RANK_EXPORT))
    records = framed.texts.records if isinstance(framed.texts, Texts) else [text.encode() for text in framed.texts]
    texts = None if export.is_incremental else _all_good(obj, records, rules)
    if texts is not None:
        return replace(framed, texts=texts, marks=[whole] * len(texts))
    return _one_by_one(obj, framed, [_read(record, export, whole) for record in records], rules)


def _all_good(obj: Object, records: Sequence[bytes], rules: Rules) -> Texts | None:
    """The texts of a full export's lines; None where one of them is not as it should be."""
    begin, end = map(bytes.startswith, records, repeat(_ITEM)), map(bytes.endswith, records, repeat(b"}}"))
    if not all(begin) or not all(end):
        return None
    texts = texts_of(obj, [one[len(_ITEM) - 1 : -1] for one in records], rules, {})
    good = [text for text in texts if isinstance(text, bytes)]
    return Texts(good) if len(good) == len(texts) else None


def _one_by_one(obj: Object, framed: Framed, lines: Sequence[_Read | RecordError], rules: Rules) -> Framed:
    kept = [(place, one) for place, one in enumerate(lines) if not _is_filtered(one, rules)]
    usable = [one for _, one in kept if isinstance(one, _Read)]
    removed = {place: "user" for place, one in enumerate(usable) if one.mark.is_deleted}
    texts = iter(texts_of(obj, [one.item for one in usable], rules, removed))
    good: list[tuple[int, bytes, Mark]] = []
    broken = list(framed.broken)
    for place, one in kept:
        text = one if isinstance(one, RecordError) else next(texts)
        if isinstance(text, RecordError):
            raw, index, offset = framed.texts[place].encode(), framed.range_indexes[place], framed.offsets[place]
            broken.append(Broken(index, offset, raw[:DEAD_LETTER_BYTES_MAX], len(raw), text.code, str(text)))
        elif isinstance(one, _Read):
            good.append((place, text, one.mark))
    return replace(
        framed,
        texts=Texts(text for _, text, _ in good),
        range_indexes=[framed.range_indexes[place] for place, _, _ in good],
        offsets=[framed.offsets[place] for place, _, _ in good],
        broken=broken,
        marks=[mark for _, _, mark in good],
        filtered=len(lines) - len(kept),
    )


class _Read(NamedTuple):
    """A line: the item in typed JSON, and which version of it."""

    item: bytes
    mark: Mark


def _is_filtered(line: _Read | RecordError, rules: Rules) -> bool:
    # An export does not tell who removed an item, so only the document's own rule leaves its removals out.
    return isinstance(line, _Read) and line.mark.is_deleted and rules.deletes == "none"


def _read(record: bytes, export: Export, whole: Mark) -> _Read | RecordError:
    """One line. `whole` is the mark of every line of a full export."""
    if not export.is_incremental and record.startswith(_ITEM) and record.endswith(b"}}"):
        return _Read(record[len(_ITEM) - 1 : -1], whole)
    try:
        line = _LINE.decode(record)
        if line.Item is not UNSET:
            return _Read(bytes(line.Item), whole)
        if line.Metadata is UNSET:
            return RecordError("wrong_type", "the line has neither Item nor Metadata: it is of no export")
        version = version_text(_written_at(line.Metadata) + STREAM_AFTER, RANK_EXPORT)
    except (msgspec.DecodeError, ValueError, OverflowError):
        return RecordError("wrong_type", "the line is of no export, or says no time of its change")
    if line.NewImage is not UNSET:
        return _Read(bytes(line.NewImage), Mark(version=version))
    gone = line.OldImage if line.OldImage is not UNSET else line.Keys
    if gone is UNSET:
        return RecordError("missing_image", "a line with neither NewImage nor Keys")
    return _Read(bytes(gone), Mark(version=version, is_deleted=True))


def _written_at(metadata: Raw) -> datetime:
    """When the change was made, rounded down to the second as a stream has it, so that both sort alike."""
    value = _METADATA.decode(metadata).WriteTimestampMicros
    micros = int(value.N if isinstance(value, _Micros) else value)
    return datetime(1970, 1, 1) + timedelta(seconds=micros // 1_000_000)
