"""What a source does for the pipelines, and what it is opened with.

A source is one folder below `sources/` and one line in `sources/registry.py`. The runner (`pipelines/runner.py`) does
the rest once for all: recover, plan, put, merge, account, checkpoint. `tests/sources/conformance/` runs over the
registry and shows what must hold of a source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from trunkline.objects.model import Object
from trunkline.positions import Plan, Progress
from trunkline.records import Framed, KeptLetter, Mark
from trunkline.settings.installation import Settings

FilesRead = Mapping[tuple[str, str], Progress]
"""How far each version of each file is read and durable, by uri and version."""


class SourceState(Protocol):
    """Small objects of the lake in which sources store how far they are, such as `("scan", object, table)`."""

    def get(self, kind: str, scope: str, name: str) -> bytes | None:
        """The content of an object; None where there is none."""

    def put(self, data: bytes, kind: str, scope: str, name: str, is_private: bool = False) -> None:
        """Write an object; durable when this returns. `is_private`: readable by the owner alone."""

    def remove(self, kind: str, scope: str, name: str) -> None:
        """Remove an object; no error where there is none."""


@dataclass(frozen=True, slots=True)
class SourceContext:
    """What any source can be opened with, also the one that only reads plans again after a crash.

    `letters` gives the bytes of dead letters, in the order of the plan's ranges.
    """

    settings: Settings
    obj: Object
    state: SourceState
    letters: Callable[[Plan], Sequence[KeptLetter]]


@dataclass(frozen=True, slots=True)
class DurableBatch:
    """A batch whose rows are in the lake and merged, with the counts of its records."""

    plan: Plan
    read: int
    filtered: int
    dead_letter: int


class Source(Protocol):
    """One system that records are read from, opened for one object.

    A source never looks at the clock to decide what a batch holds: the same bytes give the same ranges, batches and
    positions.
    """

    @property
    def name(self) -> str:
        """The name that its plans and `ledger.batch.source` have. It is a key of the registry."""

    def read(self, done: FilesRead) -> Iterator[Framed | None]:
        """The batches beyond what is durable, in order.

        A source of files goes on from `done`; another one from a state of its own. None asks the runner to make
        everything given so far durable (in the lake, merged, `after_durable` called) before it asks for more: for a
        source that must not run ahead, or that may wait. Without None, batches are read ahead of their merge.

        Raises TransientError or TerminalError where reading fails, SourceChangedError where something changed while
        it was read.
        """

    def reread(self, plan: Plan) -> Framed | None:
        """The batch of a plan that was recorded and not finished, equal to the first in every value.

        None: this source cannot read a plan again. The plan is dropped, and `read` gives its span anew.
        Raises SourceChangedError where something is not the planned version any more: it is planned anew.
        """

    def after_durable(self, batches: Sequence[DurableBatch]) -> None:
        """Move the source's state past these batches. Called before their plans are forgotten, so at least once.

        After a crash another process calls it with the same batches, on a source opened by its context alone. So it
        must be safe to repeat, and take what it needs from the plans.
        """

    def revive(self, letter: KeptLetter) -> tuple[str, Mark] | None:
        """The record in the bytes of a dead letter of this source, after a fix; None where there still is none."""
