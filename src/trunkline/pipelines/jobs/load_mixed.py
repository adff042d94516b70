"""`load` of several objects from the same files, which are read only once.

The files of a Firehose stream that carries contact records and agent events have both, one after another.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from trunkline.errors import UsageError
from trunkline.ledger import index
from trunkline.ledger.records import BatchRecord
from trunkline.limits import MERGE_ROWS_MAX
from trunkline.objects.model import Object
from trunkline.pipelines.home import Home
from trunkline.pipelines.merging import batches_max
from trunkline.pipelines.runner import Advance, LoadResult, Runner, RunTally, no_advance
from trunkline.positions import Progress
from trunkline.records import Framed
from trunkline.sources.files.listing import SourceFile, list_files
from trunkline.sources.files.mixed import MixedFileSource
from trunkline.sources.kinesis.framing import SHAPES
from trunkline.sources.model import FilesRead


def check_mixed(objs: Sequence[Object]) -> None:
    """Raises UsageError for objects whose records cannot be told apart, and for one that is named twice."""
    names = [obj.name for obj in objs]
    others = [name for name in names if name not in SHAPES]
    if others:
        raise UsageError(
            f"records of {others[0]} are not told apart from others in the same files: load it with a command of its "
            f"own; told apart are {', '.join(SHAPES)}"
        )
    if len(set(names)) < len(names):
        raise UsageError(f"an object is named twice in {','.join(names)}; name each once")


def load_mixed(
    home: Home, objs: Sequence[Object], paths: Sequence[str], advance: Advance = no_advance, client: Any = None
) -> list[LoadResult]:
    """Load what is new in these files, each record into the object whose shape it has; results in the objects' order.

    What has no known shape is of the first object, which sets it aside. Records of objects that are not named are
    counted as filtered. `advance` is called with the decoded bytes that were read. Raises what `load` raises, and
    UsageError for objects whose records cannot be told apart. Stopping at any point loses nothing.
    """
    check_mixed(objs)
    files = list_files(paths, client)
    parts = [_part(home, obj, is_first=obj is objs[0], client=client) for obj in objs]
    reads = [index.positions(home.warehouse, obj.name) for obj in objs]
    alike = [file for file in files if len({read.get((file.uri, file.version)) for read in reads}) == 1]
    refused = _load_once(home, parts, alike, reads[0], advance, client)
    results = []
    for part, read in zip(parts, reads, strict=True):
        rest = [file for file in files if file not in alike and not _is_read(read, file)]
        source = MixedFileSource(part.runner.context, rest, client, part.is_first)
        with home.warehouse.shared():
            for framed in source.read(read):
                if framed is not None:
                    part.put_now(framed)
        results.append(part.tally.result(len(files)))
        refused += source.refused
    return [replace(result, refused=tuple(refused) if place == 0 else ()) for place, result in enumerate(results)]


@dataclass(slots=True)
class _Part:
    """One object that files are read for: what is put and waits for its merge."""

    runner: Runner
    source: MixedFileSource
    tally: RunTally
    is_first: bool
    batches_most: int
    waiting: list[BatchRecord] = field(default_factory=list)

    def add(self, record: BatchRecord) -> None:
        """Merge with those before, once they are many."""
        self.waiting.append(record)
        is_full = len(self.waiting) >= self.batches_most
        if is_full or sum(batch.accepted for batch in self.waiting) >= MERGE_ROWS_MAX:
            self.merge()

    def merge(self) -> None:
        """Merge what waits."""
        if self.waiting:
            self.tally.add(self.waiting, self.runner.merge(self.waiting, self.source))
            self.waiting = []

    def put_now(self, framed: Framed) -> None:
        """Put and merge one batch."""
        self.add(self.runner.put(framed))
        self.merge()


def _part(home: Home, obj: Object, is_first: bool, client: Any) -> _Part:
    runner, tally = Runner(home, obj), RunTally(obj)
    tally.recovered = runner.recover()
    source = MixedFileSource(runner.context, (), client, is_first)
    return _Part(runner, source, tally, is_first, batches_max(home))


def _load_once(
    home: Home, parts: Sequence[_Part], files: Sequence[SourceFile], done: FilesRead, advance: Advance, client: Any
) -> list[str]:
    """Read files that all objects have read equally far. Returns sentences about files of other formats."""
    reader = MixedFileSource(parts[0].runner.context, files, client)
    with home.warehouse.shared():
        for part, record, bytes_read in _put_all(parts, reader.read_whole(done), home.settings.threads):
            part.add(record)
            advance(bytes_read)
        for part in parts:
            part.merge()
    return reader.refused


def _put_all(parts: Sequence[_Part], whole: Iterable[Framed], threads: int) -> Iterator[tuple[_Part, BatchRecord, int]]:
    """Put each object's part of each batch, in order, on as many cores as there are, few at a time."""
    waiting: deque[tuple[_Part, Future[BatchRecord], int]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="flatten") as pool:
        try:
            for framed in whole:
                for part in parts:
                    size = framed.bytes_read if part is parts[0] else 0
                    waiting.append((part, pool.submit(part.runner.put, part.source.part(framed)), size))
                while len(waiting) > len(parts) * threads:
                    part, future, size = waiting.popleft()
                    yield part, future.result(), size
            while waiting:
                part, future, size = waiting.popleft()
                yield part, future.result(), size
        finally:
            pool.shutdown(cancel_futures=True)


def _is_read(read: FilesRead, file: SourceFile) -> bool:
    return read.get((file.uri, file.version), Progress()).is_complete
