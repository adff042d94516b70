"""Transcripts that S3 notifies of, straight into the lake: what a function without a warehouse can do.

The warehouse merges them with its next load. A file that is notified of twice is one batch, put once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from trunkline.errors import SourceChangedError, TrunklineError
from trunkline.objects.transcript import TRANSCRIPT
from trunkline.pipelines.flattening import FlattenPool
from trunkline.pipelines.home import LakeHome
from trunkline.pipelines.runner import lake_context, put_into_lake
from trunkline.sources.files import listing
from trunkline.sources.files.s3_events import Message
from trunkline.sources.transcripts.files import TranscriptSource
from trunkline.sources.transcripts.names import is_transcript


@dataclass(frozen=True, slots=True)
class Arrived:
    """The account of messages: files put into the lake, files left out by a rule, and messages to deliver again."""

    processed: int
    filtered: int
    failed: tuple[str, ...]
    first_error: TrunklineError | None


class TranscriptReceiver:
    """Puts transcripts into one lake. Kept between invocations, with its flattener. `client` is a boto3 S3 client."""

    def __init__(self, lake: LakeHome, client: Any) -> None:
        self.lake, self.client = lake, client
        self._pool = FlattenPool(lake, TRANSCRIPT)

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
                    raise TrunklineError("a message is not a notification of S3: check what else writes to the queue")
                processed += self.put(urls)
            except TrunklineError as error:
                first_error = first_error or error
                if message.id is not None:
                    failed.append(message.id)
        return Arrived(processed, filtered, tuple(failed), first_error)

    def put(self, urls: Sequence[str]) -> int:
        """Put the files that exist; how many there were. Raises TransientError or TerminalError where S3 fails."""
        # As they are now: a notification may be older than the object, and the object may no longer exist.
        files = [file for url in urls if (file := listing.find(url, self.client)) is not None]
        source = TranscriptSource(lake_context(self.lake, TRANSCRIPT), files, self.client)
        try:
            put_into_lake(self.lake, self._pool, source)
        except SourceChangedError:
            return self.put(urls)  # written again meanwhile
        return len(files)
