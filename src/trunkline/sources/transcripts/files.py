"""Transcripts in files: one file is one record, whatever number of turns it holds.

A file is read whole, once, up to `limits.TRANSCRIPT_BYTES_MAX`. What cannot be a transcript is a broken span with its
reason and its first MiB. No message contains anything that was said.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import msgspec

from trunkline import limits
from trunkline.aws import s3 as s3_client
from trunkline.aws.clients import make_client
from trunkline.errors import RecordError, SourceChangedError, TerminalError
from trunkline.positions import FileRange, Plan, Progress
from trunkline.records import Broken, Framed, KeptLetter, Mark
from trunkline.sources.files.containers import FormatError
from trunkline.sources.files.framing import BLOCK_BYTES
from trunkline.sources.files.json_text import without_lone_surrogates
from trunkline.sources.files.listing import SourceFile, list_files, local_file
from trunkline.sources.files.opening import opened
from trunkline.sources.model import DurableBatch, FilesRead, SourceContext
from trunkline.sources.transcripts import contact_lens, transcribe
from trunkline.sources.transcripts.names import is_transcript, read_name
from trunkline.sources.transcripts.optional import Misfits

NAME: Final = "transcripts"
# Our choice: files of one batch, and decoded bytes read for it, which bound what a stopped run reads again.
_FILES_MAX: Final = 512
_READ_MAX: Final = 64 * limits.MIB
# Our choice: objects fetched at the same time, as many as the client keeps connections.
_FETCHES_MAX: Final = 4
_TOP = msgspec.json.Decoder(dict[str, msgspec.Raw])
_HALF_CHARACTER: Final = (("", "a text is VARCHAR with half of a surrogate pair"),)


@dataclass(frozen=True, slots=True)
class _FileRead:
    """One file as read: the text of its record, or why there is none. `length` in decoded bytes."""

    file: SourceFile
    length: int
    text: str | None
    mark: Mark
    broken: tuple[bytes, str, str] | None = None


def list_transcripts(paths: Sequence[str], client: Any = None) -> list[SourceFile]:
    """The files that may be transcripts: those with a JSON file's name. Recordings are in the same folders.

    Raises UsageError where a path names nothing, TerminalError where it cannot be read.
    """
    return [file for file in list_files(paths, client) if is_transcript(file.uri)]


def read_batches(
    files: Sequence[SourceFile],
    done: Mapping[tuple[str, str], Progress],
    object_name: str,
    patterns: Sequence[str],
    batch_bytes: int = limits.BATCH_BYTES_FIRST,
    client: Any = None,
) -> Iterator[Framed]:
    """What the files hold beyond `done`, in order, as batches of about `batch_bytes` of records.

    Raises SourceChangedError for a file that changes while it is read, TerminalError or TransientError where reading
    fails.
    """
    current = (file if file.uri.startswith("s3://") else local_file(file.uri) for file in files)
    unread = [file for file in current if not done.get((file.uri, file.version), Progress()).is_complete]
    batch = _Batch(object_name)
    for file_read in _read_ahead(unread, patterns, client):
        batch.add(file_read)
        if batch.is_full(batch_bytes):
            yield batch.framed()
            batch = _Batch(object_name)
    if batch.ranges:
        yield batch.framed()


def reread(plan: Plan, patterns: Sequence[str], client: Any = None) -> Framed:
    """The batch of a plan once more.

    Raises SourceChangedError where a file is no longer the planned version, TerminalError for a plan over other things.
    """
    batch = _Batch(plan.object_name)
    for planned in plan.ranges:
        if not isinstance(planned, FileRange):
            raise TerminalError(f"batch {plan.batch_id} of transcripts is planned over {planned.place!r}, no file")
        file_read = _read(SourceFile(planned.uri, planned.version, 0, planned.arrived_at), patterns, client)
        if file_read.length != planned.end:
            raise SourceChangedError(f"{planned.uri} is no longer the version {planned.version} that was planned.")
        batch.add(file_read)
    return batch.framed()


def read_dead_letter(
    uri: str, payload: bytes, arrived_at: datetime, patterns: Sequence[str]
) -> tuple[str, Mark] | None:
    """The record in a dead letter's bytes, which are a whole file or a record that was set aside; None if none is."""
    try:
        return read_record(uri, payload, arrived_at, patterns)
    except RecordError:
        return None


def _read_ahead(files: Sequence[SourceFile], patterns: Sequence[str], client: Any) -> Iterator[_FileRead]:
    """The files in order. Objects of S3 are fetched a few at a time, since each waits for the network."""
    if not any(file.uri.startswith("s3://") for file in files):
        yield from (_read(file, patterns, client) for file in files)
        return
    client = client or make_client("s3")
    rest = iter(files)
    with ThreadPoolExecutor(_FETCHES_MAX, thread_name_prefix="transcripts") as pool:
        waiting: deque[Future[_FileRead]] = deque()
        try:
            for file in itertools.islice(rest, _FETCHES_MAX):
                waiting.append(pool.submit(_read, file, patterns, client))
            while waiting:
                file_read = waiting.popleft().result()
                for file in itertools.islice(rest, 1):
                    waiting.append(pool.submit(_read, file, patterns, client))
                yield file_read
        finally:
            pool.shutdown(cancel_futures=True)


def _read(file: SourceFile, patterns: Sequence[str], client: Any) -> _FileRead:
    data, length, damage = _read_bytes(file, client)
    head = data[: limits.DEAD_LETTER_BYTES_MAX]
    if damage is not None:
        return _FileRead(file, length, None, Mark(), (head, "corrupt_compression", damage))
    if length > limits.TRANSCRIPT_BYTES_MAX:
        why = f"the file has {length:,} bytes, at most {limits.TRANSCRIPT_BYTES_MAX:,} are read"
        return _FileRead(file, length, None, Mark(), (head, "too_long", why))
    try:
        text, mark = read_record(file.uri, data, file.arrived_at, patterns)
    except RecordError as error:
        return _FileRead(file, length, None, Mark(), (head, error.code, str(error)))
    return _FileRead(file, length, text, mark)


def _read_bytes(file: SourceFile, client: Any) -> tuple[bytes, int, str | None]:
    """The decoded bytes up to a little more than the limit, their whole number, and any damage to the compression."""
    parts: list[bytes] = []
    length = 0
    try:
        with opened(file, 0, client) as (raw, stream):
            while block := stream.read(BLOCK_BYTES):
                raw.check()
                if length <= limits.TRANSCRIPT_BYTES_MAX:
                    parts.append(block)
                length += len(block)
            return b"".join(parts), length, stream.damage
    except FormatError as error:
        return b"", 0, f"the file is {error}"


def read_record(uri: str, data: bytes, arrived_at: datetime, patterns: Sequence[str]) -> tuple[str, Mark]:
    """The record in the bytes of one file, as JSON text, and its mark. `arrived_at` is naive UTC.

    Raises RecordError where the bytes are no transcript, or the call it belongs to is unknown.
    """
    repaired = without_lone_surrogates(data)
    changes = () if repaired is None else _HALF_CHARACTER
    data = repaired or data
    top = _decode_top(data)
    is_document = "results" in top or "Transcript" in top
    if "callId" in top and "writtenAt" in top and not is_document:  # a record of ours that was set aside
        written_at = msgspec.json.decode(top["writtenAt"])
        return data.decode(), Mark(version=_version(str(written_at), arrived_at))
    misfits = Misfits(top)
    try:
        if "results" in top:
            record = transcribe.read(top, misfits)
        elif "Transcript" in top:
            record = contact_lens.read(top, misfits)
        else:
            raise RecordError("unknown_shape", "the file has neither results nor Transcript")
    except msgspec.ValidationError as error:
        raise RecordError("wrong_type", str(error)) from error
    written_at = _identify(record, uri, arrived_at, patterns)
    try:
        text = msgspec.json.encode(
            {name: value for name, value in record.items() if value is not None} | misfits.kept()
        )
    except RecursionError as error:
        raise RecordError("too_deep", limits.DEAD_LETTER_REASONS["too_deep"]) from error
    return text.decode(), Mark(version=_version(written_at, arrived_at), changes=(*changes, *misfits.changes()))


def _identify(record: dict[str, Any], uri: str, arrived_at: datetime, patterns: Sequence[str]) -> str:
    """Add to a record what its file's name says: call, place, output. The time it was written, as ISO text."""
    name = read_name(uri, patterns)
    contact_id = record.pop("contactId", None)
    call_id = name.call_id if name else contact_id
    if not isinstance(call_id, str) or not call_id:
        raise RecordError(
            "missing_key", "no call id: the file's name matches no pattern of the setting transcript_keys"
        )
    if name and name.is_redacted:
        record["output"] = "redacted"
    written_at = (name.written_at if name else None) or f"{arrived_at.isoformat()}Z"
    bucket, key = s3_client.split(uri) if uri.startswith("s3://") else (None, uri)
    for field_name, value in (("callId", call_id), ("bucket", bucket), ("key", key), ("writtenAt", written_at)):
        record.setdefault(field_name, value)
    return written_at


def _version(written_at: str, arrived_at: datetime) -> str:
    # The time in a name distinguishes two analyses; the arrival, two files of the same name.
    return f"{written_at} {arrived_at.isoformat(timespec='microseconds')}"


def _decode_top(data: bytes) -> dict[str, msgspec.Raw]:
    """The file's keys with undecoded values. RecordError where it is not a JSON object."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    if not data.strip():
        raise RecordError("truncated", "the file is empty")
    try:
        str(data, "utf-8")
        return _TOP.decode(data)
    except UnicodeDecodeError as error:
        raise RecordError("invalid_utf8", f"byte {error.start} is not UTF-8") from error
    except RecursionError as error:
        raise RecordError("too_deep", limits.DEAD_LETTER_REASONS["too_deep"]) from error
    except msgspec.ValidationError as error:
        raise RecordError("not_an_object", limits.DEAD_LETTER_REASONS["not_an_object"]) from error
    except msgspec.DecodeError as error:
        code = "truncated" if "truncated" in str(error) else "invalid_json"
        raise RecordError(code, limits.DEAD_LETTER_REASONS[code]) from error


@dataclass(slots=True)
class _Batch:
    """A batch while it fills."""

    object_name: str
    ranges: list[FileRange] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    range_indexes: list[int] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)
    bytes_read: int = 0
    bytes_kept: int = 0

    def add(self, file_read: _FileRead) -> None:
        """Add a file that was read."""
        file = file_read.file
        self.ranges.append(FileRange(file.uri, file.version, 0, file_read.length, True, file.arrived_at))
        index = len(self.ranges) - 1
        self.bytes_read += file_read.length
        if file_read.text is not None:
            self.texts.append(file_read.text)
            self.marks.append(file_read.mark)
            self.range_indexes.append(index)
            self.bytes_kept += len(file_read.text)
        elif file_read.broken is not None:
            head, reason, detail = file_read.broken
            self.broken.append(Broken(index, 0, head, file_read.length, reason, detail))
            self.bytes_kept += len(head)

    def is_full(self, batch_bytes: int) -> bool:
        """Whether the batch should be passed on."""
        return self.bytes_kept >= batch_bytes or self.bytes_read >= _READ_MAX or len(self.ranges) >= _FILES_MAX

    def framed(self) -> Framed:
        """The batch as the next stage takes it."""
        plan = Plan(self.object_name, NAME, tuple(self.ranges))
        offsets = [0] * len(self.texts)
        return Framed(plan, self.texts, self.range_indexes, offsets, self.broken, self.bytes_read, self.marks)


class TranscriptSource:
    """Files of Transcribe, Call Analytics and Contact Lens."""

    name = NAME
    list_files = staticmethod(list_transcripts)

    def __init__(self, context: SourceContext, files: Sequence[SourceFile] = (), client: Any = None) -> None:
        self._context, self._files, self._client = context, files, client

    def read(self, done: FilesRead) -> Iterator[Framed | None]:
        """The files that were not read yet, many in a batch."""
        settings = self._context.settings
        yield from read_batches(
            self._files,
            done,
            self._context.obj.name,
            settings.transcript_keys,
            min(settings.batch_bytes, limits.BATCH_BYTES_FIRST),
            self._client,
        )

    def reread(self, plan: Plan) -> Framed | None:
        """The batch of a plan. Raises SourceChangedError where a file is no longer the planned version."""
        return reread(plan, self._context.settings.transcript_keys, self._client)

    def after_durable(self, batches: Sequence[DurableBatch]) -> None:
        """Nothing: the ledger records which files were read."""

    def revive(self, letter: KeptLetter) -> tuple[str, Mark] | None:
        """The transcript in the letter; None where its bytes were cut."""
        if not letter.is_whole:
            return None
        keys = self._context.settings.transcript_keys
        return read_dead_letter(letter.uri, letter.payload, letter.arrived_at, keys)
