"""Transcripts as a source: each file is one record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from trunkline.positions import Plan
from trunkline.records import Framed, KeptLetter, Mark
from trunkline.sources.files.listing import SourceFile
from trunkline.sources.model import DurableBatch, FilesRead, SourceContext
from trunkline.sources.transcripts import files as transcript_files


class TranscriptSource:
    """Files of Transcribe, Call Analytics and Contact Lens."""

    name = transcript_files.NAME
    list_files = staticmethod(transcript_files.list_transcripts)

    def __init__(self, context: SourceContext, files: Sequence[SourceFile] = (), client: Any = None) -> None:
        self._context, self._files, self._client = context, files, client

    def read(self, done: FilesRead) -> Iterator[Framed | None]:
        """The files that were not read yet, many in a batch."""
        settings = self._context.settings
        yield from transcript_files.read_batches(
            self._files, done, self._context.obj.name, settings.transcript_keys, settings.batch_bytes, self._client
        )

    def reread(self, plan: Plan) -> Framed | None:
        """The batch of a plan. Raises SourceChangedError where a file is another version now."""
        return transcript_files.reread(plan, self._context.settings.transcript_keys, self._client)

    def after_durable(self, batches: Sequence[DurableBatch]) -> None:
        """Nothing: the ledger knows which files were read."""

    def revive(self, letter: KeptLetter) -> tuple[str, Mark] | None:
        """The transcript in the letter; None where its bytes were cut."""
        if not letter.is_whole:
            return None
        keys = self._context.settings.transcript_keys
        return transcript_files.read_dead_letter(letter.uri, letter.payload, letter.arrived_at, keys)
