"""New objects as S3 announces them in an SQS queue, so that a prefix with millions of keys need not be listed.

Source: S3 user guide, "Event notification types" and "Using EventBridge": a notification comes at least once, in any
order, usually within seconds; its key is URL-encoded, that of an EventBridge event is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final

from trunkline import limits
from trunkline.aws.clients import make_client
from trunkline.objects.origins import FilesOrigin
from trunkline.positions import FileRange, Plan, Progress
from trunkline.records import Framed, KeptLetter, Mark
from trunkline.sources.contact_events.queue import MessageQueue, QueueMessage
from trunkline.sources.files.listing import SourceFile, find, messages
from trunkline.sources.files.reader import NAME, FileSource
from trunkline.sources.model import DurableBatch, FilesRead, SourceContext

_LOOKUPS_AT_ONCE: Final = 8
_REGION: Final = re.compile(r"https://sqs\.([a-z0-9-]+)\.")


@dataclass(frozen=True, slots=True)
class Announcement:
    """A message and the objects that it announces. `is_mine`: all of them are below the origin's paths."""

    message_id: str
    urls: tuple[str, ...]
    is_mine: bool


@dataclass(slots=True)
class AnnouncedFiles:
    """A queue of announcements for an origin. Clients are made where they are needed."""

    origin: FilesOrigin
    s3: Any = None
    sqs: Any = None
    _queue: MessageQueue | None = field(default=None)

    @property
    def queue(self) -> MessageQueue:
        """The queue, by its name or URL. Raises UsageError where it does not exist."""
        if self._queue is None:
            name = self.origin.queue
            region = _REGION.match(name)
            client = self.sqs or make_client("sqs", region[1] if region else None)
            is_url = name.startswith(("https://", "http://"))
            self._queue = MessageQueue(client, name) if is_url else MessageQueue.named(client, name)
        return self._queue

    def gather(self) -> list[Announcement]:
        """What the queue has now, up to the messages of one batch; each message once."""
        by_id: dict[str, QueueMessage] = {}
        while len(by_id) < limits.SQS_BATCH_MESSAGES_MAX:
            polled = self.queue.receive(0 if by_id else limits.SQS_DISCOVERY_POLL_S)
            by_id |= {message.message_id: message for message in polled}
            if not polled:
                break
        return [self._announcement(message) for message in by_id.values()]

    def _announcement(self, message: QueueMessage) -> Announcement:
        record = {"messageId": message.message_id, "body": message.body.decode(errors="replace")}
        (read,) = messages({"Records": [record]})
        urls = tuple(url for url in read.urls if not _is_marker(url))
        is_mine = read.is_read and all(self._is_below(url) for url in urls)
        return Announcement(message.message_id, urls, is_mine)

    def _is_below(self, url: str) -> bool:
        return any(
            fnmatchcase(url, path.replace("[", "[[]")) if set("*?") & set(path) else url.startswith(path)
            for path in self.origin.paths
        )

    def find(self, urls: Sequence[str]) -> list[SourceFile]:
        """The objects as they are now, in order of address; those that were removed meanwhile are left out."""
        self.s3 = self.s3 or make_client("s3")
        with ThreadPoolExecutor(_LOOKUPS_AT_ONCE, thread_name_prefix="announced") as pool:
            files = list(pool.map(lambda url: find(url, self.s3), sorted(set(urls))))
        return [file for file in files if file is not None]


def _is_marker(url: str) -> bool:
    """Whether the object marks a folder, or has a hidden name, as in a listing."""
    return url.endswith(("/", "_$folder$")) or url.rpartition("/")[2].startswith((".", "_"))


class AnnouncedFileSource:
    """Files of records that a queue announces. A message is deleted when what it announces is durable.

    A message that is not understood, is about objects elsewhere, or about a file of another format, is left: after the
    deliveries that the queue allows, SQS moves it to the queue's dead-letter queue. The plans are those of
    `FileSource`, which reads them again.
    """

    name = NAME

    def __init__(self, context: SourceContext, announced: AnnouncedFiles) -> None:
        self._context, self._announced = context, announced
        self._files = FileSource(context)
        self._waiting: dict[str, set[tuple[str, str]]] = {}
        self._durable: dict[tuple[str, str], Progress] = {}
        self.refused: list[str] = []

    def read(self, done: FilesRead) -> Iterator[Framed | None]:
        """What the announced files hold beyond `done`. Raises UsageError where the queue does not exist."""
        queue = self._announced.queue
        with queue.kept_hidden():
            try:
                yield from self._rounds(queue, dict(done))
            finally:
                queue.release()

    def _rounds(self, queue: MessageQueue, done: dict[tuple[str, str], Progress]) -> Iterator[Framed | None]:
        while announcements := self._announced.gather():
            mine = [announcement for announcement in announcements if announcement.is_mine]
            files = self._announced.find([url for announcement in mine for url in announcement.urls])
            left = {(file.uri, file.version) for file in files}
            left -= {place for place in left if done.get(place, Progress()).is_complete}
            for announcement in mine:
                self._waiting[announcement.message_id] = {place for place in left if place[0] in announcement.urls}
            self._delete_done(queue)
            source = FileSource(self._context, files, self._announced.s3)
            yield from source.read(done)
            yield None
            done.update(self._durable)
            self.refused += source.refused

    def _delete_done(self, queue: MessageQueue) -> None:
        """Delete the messages that announce nothing that is not durable."""
        done = [message_id for message_id, places in self._waiting.items() if not places]
        queue.delete(done)
        for message_id in done:
            del self._waiting[message_id]

    def reread(self, plan: Plan) -> Framed | None:
        """The batch of a plan. Raises SourceChangedError where a file is another version now."""
        return self._files.reread(plan)

    def after_durable(self, batches: Sequence[DurableBatch]) -> None:
        """Delete the messages all of whose files are read to their ends. The ledger knows how far each file is."""
        for batch in batches:
            for span in batch.plan.ranges:
                if isinstance(span, FileRange) and span.is_last:
                    place = (span.uri, span.version)
                    self._durable[place] = Progress(span.end, is_complete=True)
                    for places in self._waiting.values():
                        places.discard(place)
        self._delete_done(self._announced.queue)

    def revive(self, letter: KeptLetter) -> tuple[str, Mark] | None:
        """The record in the letter, where its bytes are exactly one."""
        return self._files.revive(letter)
