"""DynamoDB's stream, scan and export as sources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from trunkline.limits import EXPORT_BATCH_FACTOR
from trunkline.positions import Plan
from trunkline.records import Framed, KeptLetter, Mark
from trunkline.sources.dynamodb import export as dynamodb_export
from trunkline.sources.dynamodb import scan as dynamodb_scan
from trunkline.sources.dynamodb import stream as dynamodb_stream
from trunkline.sources.dynamodb.export import Export
from trunkline.sources.dynamodb.tables import rules_of
from trunkline.sources.files import reader
from trunkline.sources.files.listing import SourceFile
from trunkline.sources.model import DurableBatch, FilesRead, SourceContext


class StreamSource:
    """Changes of one table."""

    name = dynamodb_stream.NAME

    def __init__(self, context: SourceContext) -> None:
        self._context = context

    def read(self, done: FilesRead) -> Iterator[Framed | None]:
        """Nothing yet: `pipelines/follow.py` reads the shards."""
        yield from ()

    def reread(self, plan: Plan) -> Framed | None:
        """None: the shard is read on after what is durable."""
        return None

    def after_durable(self, batches: Sequence[DurableBatch]) -> None:
        """Nothing yet."""

    def revive(self, letter: KeptLetter) -> tuple[str, Mark] | None:
        """The change in a stream record; where the letter is a row already, that row."""
        change = dynamodb_stream.read_dead_letter(self._context.obj, letter.payload, rules_of(self._context.settings))
        return change or reader.revive(letter)


class ScanSource:
    """Items of one table, page by page."""

    name = dynamodb_scan.NAME

    def __init__(self, context: SourceContext) -> None:
        self._context = context

    def read(self, done: FilesRead) -> Iterator[Framed | None]:
        """Nothing yet: `pipelines/backfill.py` reads the pages."""
        yield from ()

    def reread(self, plan: Plan) -> Framed | None:
        """None: the segment is read on after what is durable."""
        return None

    def after_durable(self, batches: Sequence[DurableBatch]) -> None:
        """Nothing yet."""

    def revive(self, letter: KeptLetter) -> tuple[str, Mark] | None:
        """The record in the letter."""
        return reader.revive(letter)


class ExportSource:
    """Lines of an export's data files."""

    name = dynamodb_export.NAME

    def __init__(
        self, context: SourceContext, export: Export | None = None, files: Sequence[SourceFile] = (), client: Any = None
    ) -> None:
        self._context, self._export, self._files, self._client = context, export, files, client
        self._rules = rules_of(context.settings)

    def read(self, done: FilesRead) -> Iterator[Framed | None]:
        """The items of the export's files beyond `done`, in large batches."""
        if self._export is None:
            return
        obj, size = self._context.obj, EXPORT_BATCH_FACTOR * self._context.settings.batch_bytes
        for framed in reader.read_batches(self._files, done, obj.name, size, self._client, anchor="Item"):
            yield dynamodb_export.read_lines(obj, self._export, framed, self._rules)

    def reread(self, plan: Plan) -> Framed | None:
        """The batch of a plan. Raises SourceChangedError as files do."""
        return dynamodb_export.reread(self._context.obj, plan, self._rules)

    def after_durable(self, batches: Sequence[DurableBatch]) -> None:
        """Nothing: the ledger knows how far each file is read."""

    def revive(self, letter: KeptLetter) -> tuple[str, Mark] | None:
        """The record in the letter."""
        return reader.revive(letter)
