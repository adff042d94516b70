"""`load`, `stream` and `dead-letter replay`: open a source, and let the runner bring it to lake and warehouse.

Files and standard input, the stream of a DynamoDB table, and records that were set aside before.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from typing import IO, Any
from uuid import uuid4

from trunkline.accounting import Counts, total
from trunkline.ledger.index import SetAside
from trunkline.limits import REPLAY_LETTERS_MAX
from trunkline.objects.model import Object
from trunkline.pipelines import batches
from trunkline.pipelines.home import Home
from trunkline.pipelines.merging import grouped, merge_record, unmerged
from trunkline.pipelines.runner import Advance, LoadResult, Runner, RunTally, no_advance
from trunkline.pipelines.set_aside import is_refused, letter_ranges, put_refused
from trunkline.positions import REFUSED_SOURCE, REPLAY_SOURCE, Plan
from trunkline.sources.dynamodb.shards import Following, StreamSource
from trunkline.sources.files.listing import SourceFile
from trunkline.sources.registry import file_source, list_files, open_source


def load(home: Home, obj: Object, paths: Sequence[str], advance: Advance = no_advance) -> LoadResult:
    """Load what is new in these files. `advance` is called with the decoded bytes of each batch that is in the lake.

    Raises UsageError for paths that cannot be, TerminalError for files that cannot be read. A record that cannot be
    used is set aside and never stops the load. Stopping at any point loses nothing: the next load goes on.
    """
    return load_files(home, obj, list_files(obj, paths), advance)


def load_files(
    home: Home, obj: Object, files: Sequence[SourceFile], advance: Advance = no_advance, client: Any = None
) -> LoadResult:
    """The same for files that are listed already. `client` is a boto3 S3 client, made where needed."""
    runner = Runner(home, obj)
    source = file_source(runner.context, files, client)
    result = runner.run(source, len(files), lambda record: advance(record.bytes_read))
    return replace(result, refused=tuple(getattr(source, "refused", ())))


def merge_waiting(home: Home, obj: Object, advance: Advance = no_advance) -> LoadResult:
    """Merge the batches that others have put into the lake, such as the Lambda functions of streams; nothing is read.

    The result counts their records. Raises what the warehouse raises; the next call merges what is left.
    """
    runner, tally = Runner(home, obj), RunTally(obj)
    runner.finish_plans()
    waiting = [record for record in unmerged(home, obj) if merge_record(home, obj, record.batch_id) is None]
    with tally.timed("merge"):
        for group in grouped(home, waiting):
            tally.add(group, runner.merge(group))
            advance(sum(record.bytes_read for record in group))
        tally.recovered = runner.recover()
    return tally.result(0)


def load_stream(home: Home, obj: Object, stream: IO[bytes], advance: Advance = no_advance) -> LoadResult:
    """Load what a stream gives, such as standard input. Raises what `load` raises.

    The bytes are a file in the home until they are loaded, so that the next call finishes a load that was stopped.
    """
    folder = home.settings.home / "standard-input" / obj.name
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = uuid4().hex
    unfinished = folder / f".{name}"
    with unfinished.open("wb") as file:
        shutil.copyfileobj(stream, file)
    unfinished.rename(folder / name)
    paths = [path for path in folder.iterdir() if not path.name.startswith(".")]
    result = load(home, obj, [str(path) for path in paths], advance)
    for path in paths:
        path.unlink()
    return result


def follow(home: Home, obj: Object, following: Following, advance: Advance = no_advance) -> LoadResult:
    """Read a table's changes into lake and warehouse. `advance` is called with the number of changes in the lake.

    Which shards were read to their end is kept in the lake, so that records which DynamoDB dropped unread are reported.
    Raises TerminalError for those, UsageError for a table without a stream of new images.
    """
    runner = Runner(home, obj)
    source = StreamSource(runner.context, following)
    result = runner.run(source, on_put=lambda record: advance(record.read))
    return replace(result, files=source.shards_seen)


def replay(home: Home, obj: Object, letters: Sequence[SetAside]) -> LoadResult:
    """Run dead letters of one object again. Those that still cannot be used stay set aside, once.

    Their read is a transfer: the totals of the ledger count each record once. Raises UsageError where bytes or rows
    are gone.
    """
    runner = Runner(home, obj)
    recovered = runner.recover()
    # A refused record is a row of the lake already; a dead letter is none yet.
    refused = _merge_again(runner, [letter for letter in letters if is_refused(letter)])
    ranges = letter_ranges([letter for letter in letters if not is_refused(letter)])
    result = runner.run(open_source(REPLAY_SOURCE, runner.context, letters=ranges))
    return replace(
        result,
        counts=total([*refused, result.counts]),
        batches=result.batches + len(refused),
        recovered=recovered + result.recovered,
    )


def _merge_again(runner: Runner, letters: Sequence[SetAside]) -> list[Counts]:
    """Put the rows of refused letters into the lake as batches of their own, and merge them."""
    counts: list[Counts] = []
    for first in range(0, len(letters), REPLAY_LETTERS_MAX):
        plan = Plan(runner.obj.name, REFUSED_SOURCE, letter_ranges(letters[first : first + REPLAY_LETTERS_MAX]))
        batches.record_plan(runner.home.store, plan)
        counts += runner.merge([put_refused(runner.home, runner.obj, plan)])
    return counts
