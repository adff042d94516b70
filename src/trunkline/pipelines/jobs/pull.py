"""`run`: read what is new at an object's origin, through the one runner."""

from __future__ import annotations

from dataclasses import replace

from trunkline.objects.model import Object
from trunkline.objects.origins import FilesOrigin
from trunkline.pipelines.home import Home
from trunkline.pipelines.jobs.load import load
from trunkline.pipelines.runner import Advance, LoadResult, Runner, no_advance
from trunkline.sources.registry import origin_source


def pull(home: Home, obj: Object, advance: Advance = no_advance) -> LoadResult:
    """Bring what is new at the object's origin to lake and warehouse; a pull that was stopped is continued.

    `advance` is called with the decoded bytes of each batch that is in the lake. Raises UsageError for an object
    without an origin and for one that cannot be read as declared, TransientError where a later try may succeed,
    TerminalError where a person has to act. A record that cannot be used is set aside and never stops the pull.
    """
    if isinstance(obj.origin, FilesOrigin) and obj.origin.discovery == "list":
        return load(home, obj, obj.origin.paths, advance)
    runner = Runner(home, obj)
    source = origin_source(runner.context)
    result = runner.run(source, on_put=lambda record: advance(record.bytes_read))
    return replace(result, refused=tuple(getattr(source, "refused", ())))
