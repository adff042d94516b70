"""`load`: files to lake to warehouse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trunkline.objects.model import Object
from trunkline.pipelines.home import Home
from trunkline.pipelines.runner import Advance, LoadResult, Runner, no_advance
from trunkline.sources.files.listing import SourceFile
from trunkline.sources.registry import file_source, list_files


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
    return runner.run(source, len(files), lambda record: advance(record.bytes_read))
