"""`stream`: follow the streams of a DynamoDB table on one machine, through the Streams API."""

from __future__ import annotations

from dataclasses import replace

from trunkline.objects.model import Object
from trunkline.pipelines.home import Home
from trunkline.pipelines.runner import Advance, LoadResult, Runner, no_advance
from trunkline.sources.dynamodb.shards import Following, StreamSource


def follow(home: Home, obj: Object, following: Following, advance: Advance = no_advance) -> LoadResult:
    """Read a table's changes into lake and warehouse. `advance` is called with the number of changes in the lake.

    Which shards were read to their end is kept in the lake, so that records which DynamoDB dropped unread are reported.
    Raises TerminalError for those, UsageError for a table without a stream of new images.
    """
    runner = Runner(home, obj)
    source = StreamSource(runner.context, following)
    result = runner.run(source, on_put=lambda record: advance(record.read))
    return replace(result, files=source.shards_seen)
