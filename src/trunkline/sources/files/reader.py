"""Records in files, local or in S3: batches with positions, and the same batch again from its plan."""

from __future__ import annotations

import io
import os
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any, Final, Protocol

from trunkline import limits
from trunkline.aws import s3 as s3_client
from trunkline.aws.clients import make_client
from trunkline.errors import SourceChangedError, TerminalError
from trunkline.objects.evaluations import CONTACT_EVALUATION
from trunkline.positions import FileRange, Plan, Progress
from trunkline.records import Broken, Framed, KeptLetter, Mark, Texts
from trunkline.sources.dynamodb import envelopes
from trunkline.sources.dynamodb.tables import rules_of
from trunkline.sources.files import evaluations, framing
from trunkline.sources.files.compression import HEAD_BYTES, Decoder, decoder, is_compressed
from trunkline.sources.files.containers import FormatError
from trunkline.sources.files.envelopes import is_perhaps_wrapped, records_in, unwrap
from trunkline.sources.files.json_text import Block
from trunkline.sources.files.listing import SourceFile, list_files, resolved_file, unreadable, version_of
from trunkline.sources.files.parquet import PARQUET_MAGIC, ParquetText, key_tree
from trunkline.sources.model import DurableBatch, FilesRead, SourceContext

NAME: Final = "s3_files"
# Ours: tiny records and many files count as more bytes than they have, so that the memory of a batch is bounded.
_RECORD_BYTES_MIN: Final = 64
BATCH_FILES_MAX: Final = 4_096
_ANCHOR: Final = "ContactId"


class FileSource:
    """Files of records one after another: Firehose's, NDJSON, arrays."""

    name = NAME
    list_files = staticmethod(list_files)

    def __init__(self, context: SourceContext, files: Sequence[SourceFile] = (), client: Any = None) -> None:
        """`client` is a boto3 S3 client, made where needed."""
        self._context, self._files, self._client = context, files, client
        self.refused: list[str] = []
        """What was read and is of a format without records, as sentences. It is not loaded, and refused again."""

    def read(self, done: FilesRead) -> Iterator[Framed | None]:
        """What the files hold beyond `done`."""
        obj, size = self._context.obj, self._context.settings.batch_bytes
        for framed in read_batches(
            self._files, done, obj.name, size, self._client, obj.anchor, self.refused.append, key_tree(obj), obj.records
        ):
            yield self._unwrapped(framed)

    def reread(self, plan: Plan) -> Framed | None:
        """The batch of a plan. Raises SourceChangedError where a file is another version now."""
        obj = self._context.obj
        return self._unwrapped(reread(plan, self._client, obj.anchor, key_tree(obj), obj.records))

    def after_durable(self, batches: Sequence[DurableBatch]) -> None:
        """Nothing: the ledger knows how far each file is read."""

    def revive(self, letter: KeptLetter) -> tuple[str, Mark] | None:
        """The record in the letter, where its bytes are exactly one."""
        if self._is_of_table:
            unwrapped = envelopes.unwrap_letter(self._context.obj, letter, rules_of(self._context.settings))
            if unwrapped is not None:
                return unwrapped
        revived = revive(letter)
        if revived is not None and self._is_of_evaluations:
            return evaluations.reshape(revived[0].encode()).decode(), revived[1]
        return revived

    @property
    def _is_of_table(self) -> bool:
        """Whether the object is that of a DynamoDB table, whose items files may have in DynamoDB's own form."""
        return self._context.obj.name in self._context.settings.dynamodb_tables.values()

    @property
    def _is_of_evaluations(self) -> bool:
        return self._context.obj.name == CONTACT_EVALUATION.name

    def _unwrapped(self, framed: Framed) -> Framed:
        if self._is_of_evaluations:
            return evaluations.reshaped(framed)
        if not self._is_of_table:
            return framed
        return envelopes.unwrap(self._context.obj, framed, rules_of(self._context.settings))


def revive(letter: KeptLetter) -> tuple[str, Mark] | None:
    """The record of a dead letter whose bytes are exactly one JSON object; None for anything else."""
    if not letter.is_whole:
        return None
    texts: list[str] = []
    for block in framing.frame(io.BytesIO(letter.payload).read):
        if block.broken:
            return None
        texts += block.texts
    return (texts[0], letter.mark or Mark()) if len(texts) == 1 else None


class _Raw(Protocol):
    """The stored bytes of one version of one file."""

    def seek(self, position: int) -> None: ...
    def read(self, size: int, /) -> bytes: ...
    def check(self) -> None: ...
    def close(self) -> None: ...


def read_batches(
    files: Sequence[SourceFile],
    done: Mapping[tuple[str, str], Progress],
    object_name: str,
    batch_bytes: int = limits.BATCH_BYTES_MAX,
    client: Any = None,
    anchor: str = _ANCHOR,
    refuse: Callable[[str], None] = lambda _: None,
    keys: Mapping[str, Any] | None = None,
    records: Sequence[str] = (),
) -> Iterator[Framed]:
    """What the files hold beyond `done` (keyed by uri and version), in order, as batches of about `batch_bytes`.

    Small files share a batch, a large file takes several. A batch ends after the block of records that fills it. The
    first batches are smaller, so that a short load has work for two cores. A file without records still has its range,
    so that it counts as read. A local file that changed since it was listed is read as it is now. Raises
    SourceChangedError for one that changes while it is read, and for an object that no longer exists; TerminalError or
    TransientError where reading fails. `refuse` is called with a sentence about each file that is neither text nor
    compressed text; the others are read. With `keys`
    (see `parquet.key_tree`) Parquet files are read too. `records` is the key path of the array of records in documents
    that hold many.
    """
    batch, given = _Batch(object_name, anchor, tuple(records)), 0
    for listed in files:
        file = listed if listed.uri.startswith("s3://") else resolved_file(listed.uri)
        progress = done.get((file.uri, file.version), Progress())
        if progress.is_complete:
            continue
        start = progress.offset
        try:
            for block in _blocks(file, start, min(framing.BLOCK_BYTES, max(batch_bytes // 4, 1)), anchor, client, keys):
                batch.add(FileRange(file.uri, file.version, start, block.end, block.is_last, file.arrived_at), block)
                start = block.end
                if batch.is_full(min(batch_bytes, max(limits.BATCH_BYTES_FIRST, given // 2))):
                    given += batch.bytes_read
                    yield batch.framed()
                    batch = _Batch(object_name, anchor, tuple(records))
        except FormatError as error:
            refuse(f"{file.uri} is {error}, and was not loaded; convert it to JSON text, or leave it out")
    if batch.ranges:
        yield batch.framed()


def _blocks(
    file: SourceFile, start: int, block_bytes: int, anchor: str, client: Any, keys: Mapping[str, Any] | None
) -> Iterator[Block]:
    """The blocks of a file from byte `start`. Raises FormatError before the first one where it is no text."""
    with opened(file, start, client, keys) as (raw, stream):
        for block in framing.frame(stream.read, start, lambda: stream.damage, block_bytes, anchor):
            raw.check()
            yield block


def reread(
    plan: Plan,
    client: Any = None,
    anchor: str = _ANCHOR,
    keys: Mapping[str, Any] | None = None,
    records: Sequence[str] = (),
) -> Framed:
    """The batch of a plan once more, equal to the first in every value.

    Raises SourceChangedError where a file is no longer the planned version: the caller drops the plan and plans anew.
    TerminalError for a plan over anything else than files.
    """
    batch = _Batch(plan.object_name, anchor, tuple(records))
    for span in plan.ranges:
        if not isinstance(span, FileRange):
            raise TerminalError(
                f"batch {plan.batch_id} of {plan.source} is planned over {span.place!r}, which is no file"
            )
        file = SourceFile(span.uri, span.version, 0, span.arrived_at)
        start = span.start
        try:
            for block in _blocks(file, start, framing.BLOCK_BYTES, anchor, client, keys):
                is_end = block.is_last and span.is_last
                is_past = block.end >= span.end and not block.is_last
                is_early = block.is_last and block.end <= span.end and not span.is_last
                if is_early or (span.is_last and is_past) or (is_end and block.end != span.end):
                    raise _changed(span.uri, span.version)
                if not is_end and block.end >= span.end:
                    _shorten(block, span.end)
                batch.add(FileRange(span.uri, span.version, start, block.end, is_end, span.arrived_at), block)
                start = block.end
                if start == span.end and is_end == span.is_last:
                    break
        except FormatError as error:  # planned by a version that took it for text
            raise _changed(span.uri, span.version) from error
    return batch.framed()


def _shorten(block: Block, end: int) -> None:
    """Keep the part of a block before `end`, which is an offset where a block may end."""
    count = sum(1 for offset in block.offsets if offset < end)
    del block.texts.records[count:], block.offsets[count:]
    block.broken = [span for span in block.broken if span.offset < end]
    block.end = end


@dataclass(slots=True)
class _Batch:
    """A batch while it fills."""

    object_name: str
    anchor: str
    records: tuple[str, ...] = ()
    ranges: list[FileRange] = field(default_factory=list)
    texts: Texts = field(default_factory=Texts)
    range_indexes: array[int] = field(default_factory=lambda: array("l"))
    offsets: array[int] = field(default_factory=lambda: array("q"))
    broken: list[Broken] = field(default_factory=list)
    bytes_read: int = 0

    def add(self, new: FileRange, block: Block) -> None:
        """Add a block that was read from the range `new`."""
        last = self.ranges[-1] if self.ranges else None
        if last and (last.uri, last.version, last.end) == (new.uri, new.version, new.start) and not last.is_last:
            self.ranges[-1] = FileRange(new.uri, new.version, last.start, new.end, new.is_last, new.arrived_at)
        else:
            self.ranges.append(new)
        index = len(self.ranges) - 1
        if any(map(is_perhaps_wrapped, block.texts.records)):
            block = _without(block, lambda record: unwrap(record, self.anchor))
        if self.records:
            block = _without(block, lambda record: records_in(record, self.records))
        self.texts.records += block.texts.records
        self.offsets += block.offsets
        self.range_indexes.extend([index] * len(block.texts))
        self.broken += [Broken(index, *span) for span in block.broken]
        self.bytes_read += new.end - new.start

    def is_full(self, batch_bytes: int) -> bool:
        """Whether the batch should be passed on."""
        weight = max(self.bytes_read, _RECORD_BYTES_MIN * (len(self.texts) + len(self.broken)))
        return weight >= batch_bytes or len(self.ranges) >= BATCH_FILES_MAX

    def framed(self) -> Framed:
        """The batch as the next stage takes it."""
        plan = Plan(self.object_name, NAME, tuple(self.ranges))
        return Framed(plan, self.texts, self.range_indexes, self.offsets, self.broken, self.bytes_read)


def _without(block: Block, opened: Callable[[bytes], list[bytes] | None]) -> Block:
    """The block with the records in place of what contains them; `opened` gives None for what contains none.

    A record's offset is that of its envelope and its index in it: an envelope has more bytes than records.
    """
    texts, offsets = Texts(), array("q")
    for record, offset in zip(block.texts.records, block.offsets, strict=True):
        inner = opened(record)
        texts.records += [record] if inner is None else inner
        offsets.extend([offset] if inner is None else range(offset, offset + len(inner)))
    return Block(texts, offsets, block.broken, block.end, block.is_last)


@contextmanager
def opened(
    file: SourceFile, start: int, client: Any, keys: Mapping[str, Any] | None = None
) -> Iterator[tuple[_Raw, Decoder]]:
    """The stored and the decoded bytes of a file, the latter from byte `start` on."""
    raw: _Raw = _Local(file) if not file.uri.startswith("s3://") else _s3_raw(file, client)
    try:
        head = b""
        while len(head) < HEAD_BYTES and (more := raw.read(HEAD_BYTES - len(head) if start else framing.BLOCK_BYTES)):
            head += more
        if start and not is_compressed(head) and not (keys is not None and head.startswith(PARQUET_MAGIC)):
            raw.seek(start)
            head = b""
        is_rows = keys is not None and head.startswith(PARQUET_MAGIC)
        stream = ParquetText(head, raw.read, keys or {}) if is_rows else decoder(head, raw.read)
        yield raw, _skipped(stream, start) if is_rows or is_compressed(head) else stream
    finally:
        raw.close()


def _skipped(stream: Decoder, size: int) -> Decoder:
    """The stream without its first `size` bytes."""
    while size > 0 and (data := stream.read(framing.BLOCK_BYTES)):
        size -= len(data)
        if size < 0:
            return _After(data[size:], stream)
    return stream


class _After:
    """A stream with bytes put back before it."""

    def __init__(self, first: bytes, stream: Decoder) -> None:
        self._first, self._stream = first, stream

    @property
    def damage(self) -> str | None:
        """Why the stream ended early."""
        return self._stream.damage

    def read(self, size: int, /) -> bytes:
        """The next bytes."""
        if self._first:
            first, self._first = self._first, b""
            return first
        return self._stream.read(size)


def _s3_raw(file: SourceFile, client: Any) -> s3_client.S3Raw:
    return s3_client.S3Raw(client or make_client("s3"), file.uri, file.version)


class _Local:
    """A local file that must stay the version that was listed."""

    def __init__(self, file: SourceFile) -> None:
        self._file = file
        try:
            self._io: IO[bytes] = open(file.uri, "rb", buffering=0)  # noqa: SIM115 - closed by close()
        except FileNotFoundError as error:
            raise _changed(file.uri, file.version) from error
        except OSError as error:
            raise unreadable(file.uri, error) from error
        self.check()

    def seek(self, position: int) -> None:
        """Continue at byte `position`."""
        self._io.seek(position)

    def read(self, size: int, /) -> bytes:
        """The next bytes, b"" at the end."""
        try:
            return self._io.read(size)
        except OSError as error:
            raise unreadable(self._file.uri, error) from error

    def check(self) -> None:
        """Raises SourceChangedError unless the file is still the listed version."""
        if version_of(os.fstat(self._io.fileno())) != self._file.version:
            self._io.close()
            raise _changed(self._file.uri, self._file.version)

    def close(self) -> None:
        """Close the file."""
        self._io.close()


def _changed(uri: str, version: str) -> SourceChangedError:
    return SourceChangedError(
        f"{uri} is no longer the version {version} that was listed or planned: wait until nothing writes to it, "
        "then run the same command again."
    )
