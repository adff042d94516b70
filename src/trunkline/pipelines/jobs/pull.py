"""`run`: read what is new at an object's origin, through the one runner."""

from __future__ import annotations

from trunkline.errors import UsageError
from trunkline.objects.model import Object
from trunkline.objects.origins import FilesOrigin
from trunkline.pipelines.home import Home
from trunkline.pipelines.jobs.load import load
from trunkline.pipelines.runner import Advance, LoadResult, no_advance


def pull(home: Home, obj: Object, advance: Advance = no_advance) -> LoadResult:
    """Bring what is new at the object's origin to lake and warehouse; a pull that was stopped is continued.

    `advance` is called with the decoded bytes of each batch that is in the lake. Raises UsageError for an object
    without an origin and for one that cannot be read as declared, TransientError where a later try may succeed,
    TerminalError where a person has to act. A record that cannot be used is set aside and never stops the pull.
    """
    origin = obj.origin
    if isinstance(origin, FilesOrigin) and origin.discovery == "list":
        return load(home, obj, origin.paths, advance)
    raise UsageError(
        f"the object {obj.name} has no origin that can be read: declare one as [object.{obj.name}.source], or load "
        f"files with `trunkline load {obj.name} PATH`"
    )
