"""Transcripts in files: one file is one record, whatever number of turns it holds.

A file is read whole, once, up to `limits.TRANSCRIPT_BYTES_MAX`. What cannot be a transcript is a broken span with its
reason and its first MiB. Nothing that was said is in a message.
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
from trunkline.errors import RecordError, SourceChangedError
from trunkline.positions import Plan, Progress, Range
from trunkline.records import Broken, Framed, Mark
from trunkline.sources.files.framing import BLOCK_BYTES
from trunkline.sources.files.listing import SourceFile, list_files, local_file
from trunkline.sources.files.reader import opened
from trunkline.sources.transcripts import lens as lens_output
from trunkline.sources.transcripts import transcribe as transcribe_output
from trunkline.sources.transcripts.names import is_transcript, read_name

NAME: Final = "transcripts"
# Ours: files of one batch, and decoded bytes read for it: what a stop may have to read again.
_FILES_MAX: Final = 512
_READ_MAX: Final = 64 * limits.MIB
# Ours: objects fetched at once, as many as the client keeps connections.
_AHEAD: Final = 4
_TOP = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(frozen=True, slots=True)
class _Read:
    """One file as read: the text of its record, or why there is none. `length` in decoded bytes."""

    file: SourceFile
    length: int
    text: str | None
    mark: Mark
    broken: tuple[bytes, str, str] | None = None


def list_transcripts(paths: Sequence[str], client: Any = None) -> list[SourceFile]:
    """The files that may be transcripts: those with a JSON file's name. Recordings lie in the same folders."""
    return [one for one in list_files(paths, client) if is_transcript(one.uri)]


def read_batches(
    files: Sequence[SourceFile],
    done: Mapping[tuple[str, str], Progress],
    object_name: str,
    patterns: Sequence[str],
    batch_bytes: int = limits.BATCH_BYTES_MAX,
    client: Any = None,
) -> Iterator[Framed]:
    """What the files hold beyond `done`, in order, as batches of about `batch_bytes` of records.

    Raises SourceChangedError for a file that changes while it is read, TerminalError or TransientError where reading
    fails.
    """
    current = (one if one.uri.startswith("s3://") else local_file(one.uri) for one in files)
    wanted = [one for one in current if not done.get((one.uri, one.version), Progress()).is_complete]
    batch = _Batch(object_name)
    for one in _ahead(wanted, patterns, client):
        batch.add(one)
        if batch.is_full(batch_bytes):
            yield batch.framed()
            batch = _Batch(object_name)
    if batch.ranges:
        yield batch.framed()


def reread(plan: Plan, patterns: Sequence[str], client: Any = None) -> Framed:
    """The batch of a plan once more. SourceChangedError where a file is not the planned version any more."""
    batch = _Batch(plan.object_name)
    for one in plan.ranges:
        found = _read(SourceFile(one.uri, one.version, 0, one.arrived_at), patterns, client)
        if found.length != one.end:
            raise SourceChangedError(f"{one.uri} is no longer the version {one.version} that was planned.")
        batch.add(found)
    return batch.framed()


def read_kept(uri: str, payload: bytes, arrived_at: datetime, patterns: Sequence[str]) -> tuple[str, Mark] | None:
    """The record of a dead letter's bytes, which are a file's or a record's that was set aside; None: none is there."""
    try:
        return _record(uri, payload, arrived_at, patterns)
    except RecordError:
        return None


def _ahead(files: Sequence[SourceFile], patterns: Sequence[str], client: Any) -> Iterator[_Read]:
    """The files in order; objects of S3 are fetched a few at once, since one alone waits for the network."""
    if not any(one.uri.startswith("s3://") for one in files):
        yield from (_read(one, patterns, client) for one in files)
        return
    client = client or make_client("s3")
    rest = iter(files)
    with ThreadPoolExecutor(_AHEAD, thread_name_prefix="transcripts") as pool:
        waiting: deque[Future[_Read]] = deque()
        try:
            for one in itertools.islice(rest, _AHEAD):
                waiting.append(pool.submit(_read, one, patterns, client))
            while waiting:
                found = waiting.popleft().result()
                for one in itertools.islice(rest, 1):
                    waiting.append(pool.submit(_read, one, patterns, client))
                yield found
        finally:
            pool.shutdown(cancel_futures=True)


def _read(file: SourceFile, patterns: Sequence[str], client: Any) -> _Read:
    data, length, damage = _bytes(file, client)
    head = data[: limits.DEAD_LETTER_BYTES_MAX]
    if damage is not None:
        return _Read(file, length, None, Mark(), (head, "corrupt_compression", damage))
    if length > limits.TRANSCRIPT_BYTES_MAX:
        why = f"the file has {length:,} bytes, at most {limits.TRANSCRIPT_BYTES_MAX:,} are read"
        return _Read(file, length, None, Mark(), (head, "too_long", why))
    try:
        text, mark = _record(file.uri, data, file.arrived_at, patterns)
    except RecordError as error:
        return _Read(file, length, None, Mark(), (head, error.code, str(error)))
    return _Read(file, length, text, mark)


def _bytes(file: SourceFile, client: Any) -> tuple[bytes, int, str | None]:
    """The decoded bytes up to the limit and a bit, how many there are in all, and what is damaged."""
    parts: list[bytes] = []
    length = 0
    with opened(file, 0, client) as (raw, stream):
        while found := stream.read(BLOCK_BYTES):
            raw.check()
            if length <= limits.TRANSCRIPT_BYTES_MAX:
                parts.append(found)
            length += len(found)
        return b"".join(parts), length, stream.damage


def _record(uri: str, data: bytes, arrived_at: datetime, patterns: Sequence[str]) -> tuple[str, Mark]:
    """The record's text and its mark. RecordError where the bytes are no transcript, or nobody's."""
    top = _top(data)
    if "callId" in top and "writtenAt" in top:  # a record of ours that was set aside
        written = msgspec.json.decode(top["writtenAt"])
        return data.decode(), Mark(version=_version(str(written), arrived_at))
    try:
        if "results" in top:
            record = transcribe_output.read(top)
        elif "Transcript" in top:
            record = lens_output.read(top)
        else:
            raise RecordError("unknown_shape", "neither results nor Transcript is in the file")
    except msgspec.ValidationError as error:
        raise RecordError("wrong_type", str(error)) from error
    name = read_name(uri, patterns)
    call_id = name.call_id if name else record.pop("contactId", None)
    record.pop("contactId", None)
    if not isinstance(call_id, str) or not call_id:
        raise RecordError("missing_key", "no call id: the file's name fits none of the setting transcript_keys")
    if name and name.is_redacted:
        record["output"] = "redacted"
    arrived = f"{arrived_at.isoformat()}Z"
    written = (name.written_at if name else None) or arrived
    bucket, key = s3_client.split(uri) if uri.startswith("s3://") else (None, uri)
    whole = {"callId": call_id, "bucket": bucket, "key": key, "writtenAt": written, **record}
    try:
        text = msgspec.json.encode({name: value for name, value in whole.items() if value is not None}).decode()
    except (UnicodeError, RecursionError) as error:
        raise RecordError("invalid_utf8", limits.DEAD_LETTER_REASONS["invalid_utf8"]) from error
    return text, Mark(version=_version(written, arrived_at))


def _version(written: str, arrived_at: datetime) -> str:
    # A name's time tells two analyses apart, the arrival two writings of one name.
    return f"{written} {arrived_at.isoformat(timespec='microseconds')}"


def _top(data: bytes) -> dict[str, msgspec.Raw]:
    """The file's keys with their values unread. RecordError where it is no JSON object."""
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
    ranges: list[Range] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    range_indexes: list[int] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)
    bytes_read: int = 0
    bytes_held: int = 0

    def add(self, one: _Read) -> None:
        """Add a file that was read."""
        file = one.file
        self.ranges.append(Range(file.uri, file.version, 0, one.length, True, file.arrived_at))
        index = len(self.ranges) - 1
        self.bytes_read += one.length
        if one.text is not None:
            self.texts.append(one.text)
            self.marks.append(one.mark)
            self.range_indexes.append(index)
            self.bytes_held += len(one.text)
        elif one.broken is not None:
            head, reason, detail = one.broken
            self.broken.append(Broken(index, 0, head, one.length, reason, detail))
            self.bytes_held += len(head)

    def is_full(self, batch_bytes: int) -> bool:
        """Whether the batch should be handed over."""
        return self.bytes_held >= batch_bytes or self.bytes_read >= _READ_MAX or len(self.ranges) >= _FILES_MAX

    def framed(self) -> Framed:
        """The batch as the next stage takes it."""
        plan = Plan(self.object_name, NAME, tuple(self.ranges))
        offsets = [0] * len(self.texts)
        return Framed(plan, self.texts, self.range_indexes, offsets, self.broken, self.bytes_read, self.marks)


__all__ = ["NAME", "list_transcripts", "read_batches", "read_kept", "reread"]
