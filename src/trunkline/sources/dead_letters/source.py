"""Dead letters as a source: one range and at most one record each, whatever their bytes hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trunkline.limits import REPLAY_LETTERS_MAX
from trunkline.positions import REPLAY_SOURCE, LetterRange, Plan
from trunkline.records import Broken, Framed, KeptLetter, Mark
from trunkline.sources.model import DurableBatch, FilesRead, SourceContext
from trunkline.sources.registry import open_source


class DeadLetterSource:
    """The dead letters of one object that are run again, each read as the source that set it aside would read it."""

    name = REPLAY_SOURCE

    def __init__(self, context: SourceContext, letters: Sequence[LetterRange] = ()) -> None:
        self._context, self._letters = context, letters

    def read(self, done: FilesRead) -> Iterator[Framed | None]:
        """The chosen letters, up to `limits.REPLAY_LETTERS_MAX` in a batch, each merged before the next."""
        for first in range(0, len(self._letters), REPLAY_LETTERS_MAX):
            chunk = tuple(self._letters[first : first + REPLAY_LETTERS_MAX])
            yield self.reread(Plan(self._context.obj.name, self.name, chunk))
            yield None

    def reread(self, plan: Plan) -> Framed:
        """The letters of a plan. Raises UsageError where the bytes of one are gone."""
        texts: list[str] = []
        indexes: list[int] = []
        offsets: list[int] = []
        marks: list[Mark] = []
        broken: list[Broken] = []
        letters = self._context.letters(plan)
        for index, letter in enumerate(letters):
            offset = int(letter.position.rpartition(":")[2])
            record = open_source(letter.source, self._context).revive(letter)
            if record is None:
                broken.append(Broken(index, offset, letter.payload, letter.length, letter.reason, letter.detail))
                continue
            texts.append(record[0])
            marks.append(record[1])
            indexes.append(index)
            offsets.append(offset)
        return Framed(plan, texts, indexes, offsets, broken, sum(letter.length for letter in letters), marks)

    def after_durable(self, batches: Sequence[DurableBatch]) -> None:
        """Nothing: the ledger knows which letters were landed."""

    def revive(self, letter: KeptLetter) -> tuple[str, Mark] | None:
        """Never called: a letter's source is the one that set it aside first."""
        return None
