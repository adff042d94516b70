"""`persist_agent_event` and `persist_contact_event`: a point for each event, written to a store of time series.

The functions keep no state: the same event is the same point, so that what is delivered twice changes nothing. Neither
the embedded engine nor a lake is needed.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from trunkline.aws.errors import translate_errors
from trunkline.errors import RecordError, TransientError
from trunkline.limits import PERSIST_POINTS_MAX, SQS_MESSAGES_PER_CALL_MAX, SQS_SEND_BYTES_MAX
from trunkline.live.events import Event, check_times, decode
from trunkline.live.points import Point, agent_event_point, contact_event_point
from trunkline.live.stores.model import SeriesStore
from trunkline.live.wire import AgentEvent, ContactEvent
from trunkline.records import ReceivedRecord
from trunkline.sources.kinesis.lambda_events import events_of_lambda, received_of_event

_LOG = logging.getLogger("trunkline.persist")
_PAYLOAD_BYTES_MAX = SQS_SEND_BYTES_MAX // 2
"""Of one letter: base64 makes four bytes of three, and there is more in a message."""


@dataclass(frozen=True, slots=True)
class LiveLetter:
    """A record that no point can be made of, or whose point the store refuses. `detail` has no value of it."""

    record: ReceivedRecord
    reason: str
    detail: str


LetterSink = Callable[[Sequence[LiveLetter]], None]
"""Stores letters. Raises TransientError where it cannot: then the records are delivered again."""


@dataclass(slots=True)
class Persisted:
    """The account of an invocation, in records: `written + ignored + set_aside` is what was done.

    `ignored` are records of other kinds in the same stream. `failed` are the records that must be delivered again.
    """

    written: int = 0
    ignored: int = 0
    set_aside: int = 0
    failed: list[ReceivedRecord] = field(default_factory=list)


def persist_agent_events(
    event: Mapping[str, Any], store: SeriesStore, put_letters: LetterSink, now: datetime
) -> Persisted:
    """Write a point for each agent event of a Kinesis delivery. Contact records in the same stream are ignored.

    Raises UsageError for an event of another kind, TerminalError where the store refuses every write.
    """
    return _persist(received_of_event(event), _agent_point, store, put_letters, now)


def persist_contact_events(
    event: Mapping[str, Any], store: SeriesStore, put_letters: LetterSink, now: datetime
) -> Persisted:
    """Write a point for each contact event of EventBridge, direct or through SQS. Raises as `persist_agent_events`."""
    return _persist(events_of_lambda(event), _contact_point, store, put_letters, now)


def _agent_point(record: ReceivedRecord, event: Event) -> Point | None:
    return agent_event_point(event) if isinstance(event, AgentEvent) else None


def _contact_point(record: ReceivedRecord, event: Event) -> Point | None:
    return (
        contact_event_point(event, record.arrived_at.replace(tzinfo=UTC)) if isinstance(event, ContactEvent) else None
    )


def _persist(
    records: Sequence[ReceivedRecord],
    point_of: Callable[[ReceivedRecord, Event], Point | None],
    store: SeriesStore,
    put_letters: LetterSink,
    now: datetime,
) -> Persisted:
    """Part by part, so that where one cannot be written only it and what follows are delivered again."""
    done = Persisted()
    for start in range(0, len(records), PERSIST_POINTS_MAX):
        part = records[start : start + PERSIST_POINTS_MAX]
        try:
            _persist_part(part, point_of, store, put_letters, now, done)
        except TransientError as error:
            _LOG.warning("%d records must be delivered again: %s", len(records) - start, error)
            done.failed = list(records[start:])
            break
    return done


def _persist_part(
    records: Sequence[ReceivedRecord],
    point_of: Callable[[ReceivedRecord, Event], Point | None],
    store: SeriesStore,
    put_letters: LetterSink,
    now: datetime,
    done: Persisted,
) -> None:
    letters: list[LiveLetter] = []
    points: list[tuple[Point, ReceivedRecord]] = []
    ignored = 0
    for record in records:
        try:
            event = decode(record.data)
            point = point_of(record, event) if event is not None else None
            if event is None or point is None:
                ignored += 1
                continue
            check_times(event, now)
        except RecordError as error:
            letters.append(LiveLetter(record, error.code, str(error)))
        else:
            points.append((point, record))
    if points:
        of_point = {id(point): record for point, record in points}
        written = store.write([point for point, _ in points], now)
        letters += [LiveLetter(of_point[id(bad.point)], "refused_point", bad.reason) for bad in written.refused]
    if letters:
        put_letters(letters)
    done.written += len(records) - ignored - len(letters)
    done.ignored += ignored
    done.set_aside += len(letters)


def log_letters(letters: Sequence[LiveLetter]) -> None:
    """Log where each record is and why it was not used, without its content. The history keeps its bytes."""
    for letter in letters:
        record = letter.record
        _LOG.warning("set aside: %s:%s: %s (%s)", record.uri, record.sequence, letter.detail, letter.reason)


class LetterQueue:
    """An SQS queue that gets letters: JSON with position, reason, detail, arrival and the bytes in base64."""

    def __init__(self, client: Any, url: str) -> None:
        self._client, self._url = client, url

    def __call__(self, letters: Sequence[LiveLetter]) -> None:
        """Send them. Raises TransientError where one is not in the queue."""
        group: list[str] = []
        size = 0
        for body in map(_body, letters):
            if len(group) == SQS_MESSAGES_PER_CALL_MAX or (group and size + len(body) > SQS_SEND_BYTES_MAX):
                self._send(group)
                group, size = [], 0
            group.append(body)
            size += len(body)
        if group:
            self._send(group)

    def _send(self, bodies: Sequence[str]) -> None:
        entries = [{"Id": str(place), "MessageBody": body} for place, body in enumerate(bodies)]
        with translate_errors("sqs", self._url):
            failed = self._client.send_message_batch(QueueUrl=self._url, Entries=entries).get("Failed", [])
        if failed:
            raise TransientError(f"{self._url} did not take {len(failed)} messages ({failed[0].get('Code')})")


def _body(letter: LiveLetter) -> str:
    record = letter.record
    return msgspec.json.encode(
        {
            "position": f"{record.uri}:{record.sequence}",
            "reason": letter.reason,
            "detail": letter.detail,
            "arrived_at": record.arrived_at,
            "length": len(record.data),
            "payload": base64.b64encode(record.data[:_PAYLOAD_BYTES_MAX]).decode(),
        }
    ).decode()
