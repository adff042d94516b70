"""Records in files, local or in S3: batches with positions, and the same batch again from its plan."""

from __future__ import annotations

import io
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from trunkline import limits
from trunkline.errors import RecordError, TerminalError
from trunkline.objects.agents.evaluations import CONTACT_EVALUATION
from trunkline.objects.model import Object
from trunkline.objects.table_rows import row_text, split_rows
from trunkline.positions import FileRange, Plan, Progress
from trunkline.records import Broken, Framed, KeptLetter, Mark, RowLayout, Texts
from trunkline.sources.dynamodb import envelopes
from trunkline.sources.dynamodb.tables import rules_of
from trunkline.sources.files import evaluations, framing
from trunkline.sources.files.compression import Decoder
from trunkline.sources.files.containers import FormatError
from trunkline.sources.files.envelopes import is_perhaps_wrapped, records_in, unwrap
from trunkline.sources.files.framing import BLOCK_BYTES
from trunkline.sources.files.json_text import Anchor, Block, all_have_key
from trunkline.sources.files.listing import SourceFile, list_files, resolved_file
from trunkline.sources.files.opening import After, changed, opened
from trunkline.sources.files.tables.csv_layout import find_layout
from trunkline.sources.files.tables.csv_rows import frame_rows
from trunkline.sources.files.tables.encodings import Transcoded
from trunkline.sources.model import DurableBatch, FilesRead, SourceContext

NAME: Final = "s3_files"
# Ours: tiny records and many files count as more bytes than they have, so that the memory of a batch is bounded.
_RECORD_BYTES_MIN: Final = 64
BATCH_FILES_MAX: Final = 4_096
_ANCHOR: Final = "ContactId"
_JSON_BEGINS: Final = (b"{", b"[")


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
            self._files, done, obj.name, size, self._client, obj.anchor, self.refused.append, obj
        ):
            yield self._unwrapped(framed)

    def reread(self, plan: Plan) -> Framed | None:
        """The batch of a plan. Raises SourceChangedError where a file is another version now."""
        obj = self._context.obj
        return self._unwrapped(reread(plan, self._client, obj.anchor, obj))

    def after_durable(self, batches: Sequence[DurableBatch]) -> None:
        """Nothing: the ledger knows how far each file is read."""

    def revive(self, letter: KeptLetter) -> tuple[str, Mark] | None:
        """The record in the letter, where its bytes are exactly one."""
        if self._is_of_table:
            unwrapped = envelopes.unwrap_letter(self._context.obj, letter, rules_of(self._context.settings))
            if unwrapped is not None:
                return unwrapped
        revived = revive(letter) or revive_row(letter, self._context.obj)
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
        if framed.layout is not None:
            return framed
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


def revive_row(letter: KeptLetter, obj: Object) -> tuple[str, Mark] | None:
    """The record of a dead letter whose bytes are a header row and exactly one row; None for anything else."""
    try:
        layout = find_layout(letter.payload, letter.uri, obj)
        if layout is None or not letter.is_whole:
            return None
        (block,) = frame_rows(io.BytesIO(letter.payload).read, 0, lambda: None, limits.ROW_BYTES_MAX, *layout)
        if block.broken or len(block.texts) != 1:
            return None
        return row_text(obj, layout[0], split_rows(list(block.texts), layout[0])[0]), letter.mark or Mark()
    except (FormatError, RecordError, UnicodeDecodeError):
        return None


def read_batches(
    files: Sequence[SourceFile],
    done: Mapping[tuple[str, str], Progress],
    object_name: str,
    batch_bytes: int = limits.BATCH_BYTES_MAX,
    client: Any = None,
    anchor: Anchor = _ANCHOR,
    refuse: Callable[[str], None] = lambda _: None,
    obj: Object | None = None,
) -> Iterator[Framed]:
    """What the files hold beyond `done` (keyed by uri and version), in order, as batches of about `batch_bytes`.

    Small files share a batch, a large file takes several. A batch ends after the block of records that fills it. The
    first batches are smaller, so that a short load has work for two cores. A file without records still has its range,
    so that it counts as read. A local file that changed since it was listed is read as it is now. Raises
    SourceChangedError for one that changes while it is read, and for an object that no longer exists; TerminalError or
    TransientError where reading fails. `refuse` is called with a sentence about each file that is neither text nor
    compressed text; the others are read. With the object tables are read too (CSV, Parquet, Excel), and the array of
    records in documents that hold many.
    """
    records = obj.records if obj else ()
    batch, given = _Batch(object_name, anchor, records), 0
    for listed in files:
        file = listed if listed.uri.startswith("s3://") else resolved_file(listed.uri)
        progress = done.get((file.uri, file.version), Progress())
        if progress.is_complete:
            continue
        start = progress.offset
        try:
            for block, layout in _blocks(file, start, min(BLOCK_BYTES, max(batch_bytes // 4, 1)), anchor, client, obj):
                if batch.ranges and batch.layout != layout:
                    given += batch.bytes_read
                    yield batch.framed()
                    batch = _Batch(object_name, anchor, records)
                batch.layout = layout
                batch.add(FileRange(file.uri, file.version, start, block.end, block.is_last, file.arrived_at), block)
                start = block.end
                most = batch_bytes if layout is None else min(batch_bytes, limits.TABLE_BATCH_BYTES_MAX)
                if batch.is_full(min(most, max(limits.BATCH_BYTES_FIRST, given // 2))):
                    given += batch.bytes_read
                    yield batch.framed()
                    batch = _Batch(object_name, anchor, records)
        except FormatError as error:
            refuse(f"{file.uri} is {error}, and was not loaded; convert it to JSON text, or leave it out")
    if batch.ranges:
        yield batch.framed()


def _blocks(
    file: SourceFile, start: int, block_bytes: int, anchor: Anchor, client: Any, obj: Object | None
) -> Iterator[tuple[Block, RowLayout | None]]:
    """The blocks of a file from byte `start`, and how their texts are rows. Raises FormatError before the first one
    where it is no text.
    """
    layout = _layout_of(file, client, obj) if start and obj else None
    with opened(file, start, client, obj) as (raw, decoded):
        stream = decoded
        if obj and not start:
            head = _head(decoded)
            layout, stream = find_layout(head, file.uri, obj), After(head, decoded)
            if layout is None and isinstance(decoded, Transcoded) and not obj.format.encoding:
                raise FormatError("UTF-16 text")
        blocks = (
            frame_rows(stream.read, start, lambda: stream.damage, block_bytes, *layout)
            if layout
            else framing.frame(stream.read, start, lambda: stream.damage, block_bytes, anchor)
        )
        for block in blocks:
            raw.check()
            yield block, layout[0] if layout else None


def _layout_of(file: SourceFile, client: Any, obj: Object) -> tuple[RowLayout, int] | None:
    with opened(file, 0, client, obj) as (_, stream):
        return find_layout(_head(stream), file.uri, obj)


def _head(stream: Decoder) -> bytes:
    """The first bytes of a stream: some if the first is that of JSON, else enough for a header row."""
    head = stream.read(BLOCK_BYTES)
    while head.lstrip()[:1] not in _JSON_BEGINS and len(head) < limits.ROW_BYTES_MAX:
        more = stream.read(BLOCK_BYTES)
        if not more:
            break
        head += more
    return head


def reread(
    plan: Plan,
    client: Any = None,
    anchor: Anchor = _ANCHOR,
    obj: Object | None = None,
) -> Framed:
    """The batch of a plan once more, equal to the first in every value.

    Raises SourceChangedError where a file is no longer the planned version: the caller drops the plan and plans anew.
    TerminalError for a plan over anything else than files.
    """
    batch = _Batch(plan.object_name, anchor, obj.records if obj else ())
    for span in plan.ranges:
        if not isinstance(span, FileRange):
            raise TerminalError(
                f"batch {plan.batch_id} of {plan.source} is planned over {span.place!r}, which is no file"
            )
        file = SourceFile(span.uri, span.version, 0, span.arrived_at)
        start = span.start
        try:
            for block, layout in _blocks(file, start, BLOCK_BYTES, anchor, client, obj):
                if batch.ranges and batch.layout != layout:
                    raise changed(span.uri, span.version)
                batch.layout = layout
                is_end = block.is_last and span.is_last
                is_past = block.end >= span.end and not block.is_last
                is_early = block.is_last and block.end <= span.end and not span.is_last
                if is_early or (span.is_last and is_past) or (is_end and block.end != span.end):
                    raise changed(span.uri, span.version)
                if not is_end and block.end >= span.end:
                    _shorten(block, span.end)
                batch.add(FileRange(span.uri, span.version, start, block.end, is_end, span.arrived_at), block)
                start = block.end
                if start == span.end and is_end == span.is_last:
                    break
        except FormatError as error:  # planned by a version that took it for text
            raise changed(span.uri, span.version) from error
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
    anchor: Anchor
    records: tuple[str, ...] = ()
    ranges: list[FileRange] = field(default_factory=list)
    texts: Texts = field(default_factory=Texts)
    range_indexes: array[int] = field(default_factory=lambda: array("l"))
    offsets: array[int] = field(default_factory=lambda: array("q"))
    broken: list[Broken] = field(default_factory=list)
    bytes_read: int = 0
    layout: RowLayout | None = None

    def add(self, new: FileRange, block: Block) -> None:
        """Add a block that was read from the range `new`."""
        last = self.ranges[-1] if self.ranges else None
        if last and (last.uri, last.version, last.end) == (new.uri, new.version, new.start) and not last.is_last:
            self.ranges[-1] = FileRange(new.uri, new.version, last.start, new.end, new.is_last, new.arrived_at)
        else:
            self.ranges.append(new)
        index = len(self.ranges) - 1
        records = block.texts.records
        if self.layout is None and any(map(is_perhaps_wrapped, records)) and not all_have_key(records, self.anchor):
            block = _without(block, lambda record: unwrap(record, self.anchor))
        if self.layout is None and self.records:
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
        texts, broken = self.texts, self.broken
        return Framed(plan, texts, self.range_indexes, self.offsets, broken, self.bytes_read, layout=self.layout)


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
