"""Files that hold records of several objects, as Firehose writes them where one stream carries them all.

A file is read once, and each object gets its part of every batch. Records are told apart by shape, as those of a stream
are (`sources/kinesis/framing.py`): what has the shape of another object is left out and counted as filtered.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from trunkline.positions import Plan
from trunkline.records import Framed, KeptLetter, Mark, Texts
from trunkline.sources.files.listing import SourceFile
from trunkline.sources.files.reader import read_batches, reread, revive
from trunkline.sources.kinesis.framing import SHAPES, is_of
from trunkline.sources.model import DurableBatch, FilesRead, SourceContext

_ANCHORS: Final = tuple(keys[0] for keys in SHAPES.values())
"""Any of them begins a record after broken text, so that the same bytes give the same batches to every object."""


class MixedFileSource:
    """One object's part of files. `is_first`: what has no known shape, and what is broken, belongs to this object."""

    def __init__(
        self, context: SourceContext, files: Sequence[SourceFile] = (), client: Any = None, is_first: bool = True
    ) -> None:
        """`client` is a boto3 S3 client, made where needed."""
        self._context, self._files, self._client, self._is_first = context, files, client, is_first
        self.refused: list[str] = []
        """What was read and is of a format without records, as sentences."""

    @property
    def name(self) -> str:
        """The name in its plans, which says what belongs to the object."""
        return "mixed_files" if self._is_first else "mixed_files_rest"

    def read(self, done: FilesRead) -> Iterator[Framed | None]:
        """The object's part of what the files hold beyond `done`."""
        yield from map(self.part, self.read_whole(done))

    def read_whole(self, done: FilesRead) -> Iterator[Framed]:
        """What the files hold beyond `done`, records of every object; `part` takes one object's from it."""
        obj, size = self._context.obj, self._context.settings.batch_bytes
        return read_batches(self._files, done, obj.name, size, self._client, _ANCHORS, self.refused.append)

    def part(self, framed: Framed) -> Framed:
        """The records of this object in a batch; the others are counted as filtered."""
        obj = self._context.obj
        texts = framed.texts.records if isinstance(framed.texts, Texts) else [text.encode() for text in framed.texts]
        kept = [place for place, text in enumerate(texts) if is_of(obj, text, self._is_first)]
        broken = framed.broken if self._is_first else ()
        return replace(
            framed,
            plan=Plan(obj.name, self.name, framed.plan.ranges),
            texts=Texts(texts[place] for place in kept),
            range_indexes=[framed.range_indexes[place] for place in kept],
            offsets=[framed.offsets[place] for place in kept],
            broken=broken,
            filtered=framed.read - len(kept) - len(broken),
        )

    def reread(self, plan: Plan) -> Framed | None:
        """The batch of a plan. Raises SourceChangedError where a file is another version now."""
        return self.part(reread(plan, self._client, _ANCHORS))

    def after_durable(self, batches: Sequence[DurableBatch]) -> None:
        """Nothing: the ledger knows how far each file is read."""

    def revive(self, letter: KeptLetter) -> tuple[str, Mark] | None:
        """The record in the letter, where its bytes are exactly one."""
        return revive(letter)


def rest_of_mixed_files(
    context: SourceContext, files: Sequence[SourceFile] = (), client: Any = None
) -> MixedFileSource:
    """The part of an object that is not the first: only what has its shape."""
    return MixedFileSource(context, files, client, is_first=False)
