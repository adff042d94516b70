"""Files that somebody tells of, straight into the lake: what a function without a warehouse can do.

The warehouse merges them with its next load. A file told of twice is one batch, put once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trunkline.errors import SourceChangedError, TrunklineError
from trunkline.flatten.flattener import Flattener
from trunkline.lake import layout
from trunkline.lake.store import Store
from trunkline.objects.model import Object
from trunkline.pipelines import batches
from trunkline.pipelines.pii_rule import rule_of
from trunkline.settings import Settings
from trunkline.sources.files import listing
from trunkline.sources.files.s3_events import Message
from trunkline.sources.transcripts import files as transcripts
from trunkline.sources.transcripts.names import is_transcript


@dataclass(frozen=True, slots=True)
class Arrived:
    """What became of messages: files put into the lake, files left out by a rule, and messages to deliver again."""

    processed: int
    filtered: int
    failed: tuple[str, ...]
    first_error: TrunklineError | None


class Receiver:
    """Puts what arrives into one lake. Kept between the calls of a function, whose first call pays for making it."""

    def __init__(self, settings: Settings, obj: Object, store: Store, scratch: Path, client: Any) -> None:
        self.settings, self.obj, self.store, self.scratch, self.client = settings, obj, store, scratch, client
        self.flattener = Flattener(obj, rule_of(settings), spill=scratch / "spill")

    def receive(self, messages: Iterable[Message]) -> Arrived:
        """Put the transcripts that the messages name. A message fails alone; its files are safe to put again."""
        processed = filtered = 0
        failed: list[str] = []
        first_error: TrunklineError | None = None
        for message in messages:
            urls = [url for url in message.urls if is_transcript(url)]
            filtered += len(message.urls) - len(urls)
            try:
                if not message.is_read:
                    raise TrunklineError("a message is no notification of S3: see what else writes to the queue")
                processed += self._put(urls)
            except TrunklineError as error:
                first_error = first_error or error
                if message.id is not None:
                    failed.append(message.id)
        return Arrived(processed, filtered, tuple(failed), first_error)

    def _put(self, urls: Sequence[str]) -> int:
        # As it is now: a notification may be older than the object, or the object be gone.
        files = [file for url in urls if (file := listing.find(url, self.client)) is not None]
        patterns = self.settings.transcript_keys
        try:
            for framed in transcripts.read_batches(files, {}, self.obj.name, patterns, client=self.client):
                if self.store.get_bytes(layout.batch_key(self.obj.name, framed.plan.batch_id)) is None:
                    batches.record_plan(self.store, framed.plan)
                    batches.put(self.store, self.scratch, self.flattener, framed)
        except SourceChangedError:
            return self._put(urls)  # written again meanwhile
        return len(files)
