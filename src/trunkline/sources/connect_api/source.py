"""Contacts of a Connect instance as a source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trunkline.positions import API_SOURCE, Plan
from trunkline.records import Framed, KeptLetter, Mark
from trunkline.sources.files import reader
from trunkline.sources.model import DurableBatch, FilesRead, SourceContext


class ContactSource:
    """What the API lists and describes."""

    name = API_SOURCE

    def __init__(self, context: SourceContext) -> None:
        self._context = context

    def read(self, done: FilesRead) -> Iterator[Framed | None]:
        """Nothing yet: `pipelines/collect.py` reads the windows."""
        yield from ()

    def reread(self, plan: Plan) -> Framed | None:
        """None: the API is asked anew."""
        return None

    def after_durable(self, batches: Sequence[DurableBatch]) -> None:
        """Nothing yet."""

    def revive(self, letter: KeptLetter) -> tuple[str, Mark] | None:
        """The record in the letter."""
        return reader.revive(letter)
