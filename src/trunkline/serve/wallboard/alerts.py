"""Alerts: numbers beyond their thresholds, and signs that the numbers are no longer of now.

An alert is opened when its condition begins and closed when it ends; the webhook gets both. No alert names a customer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from trunkline.limits import AGENT_HEARTBEAT_S
from trunkline.serve.report.wording import channel, clock, percentage, plural, spelled
from trunkline.serve.wallboard.options import BoardOptions
from trunkline.serve.wallboard.snapshot import BoardQueue, BoardSnapshot, Level

# Agents publish a heartbeat when nothing else happens: three that are missing at once, of all agents, are no chance.
AGENT_QUIET: Final = timedelta(seconds=3 * AGENT_HEARTBEAT_S)
RECORD_QUIET: Final = timedelta(minutes=60)
CLOSED_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class BoardAlert:
    """A condition that a person should see. `key` names it for as long as it lasts; `ended` is None while it does."""

    key: str
    level: Level
    title: str
    text: str
    since: datetime
    ended: datetime | None = None
    queue_id: str | None = None


@dataclass(frozen=True, slots=True)
class StreamHealth:
    """What is known of how events come in. `newest` has the newest event's time by kind.

    `lag_s` is how far a stream is behind by name, seconds (its iterator age). `connected` is whether any stream is
    read at all: without one the board shows loaded records alone, and silence means nothing.
    """

    newest: Mapping[str, datetime]
    lag_s: Mapping[str, float]
    is_connected: bool


def find_alerts(snapshot: BoardSnapshot, health: StreamHealth, options: BoardOptions) -> list[BoardAlert]:
    """What is wrong at the snapshot's time, alarms first."""
    alerts = [*_freshness(snapshot, health, options)]
    for queue in snapshot.queues:
        alerts += _queue_alert(queue, snapshot.at)
    return sorted(alerts, key=lambda alert: (-alert.level, alert.key))


def _queue_alert(queue: BoardQueue, now: datetime) -> Iterator[BoardAlert]:
    """One alert of a queue and channel, with each number that is beyond its thresholds."""
    where = f"{queue.name}, {channel(queue.channel).lower()}" if queue.channel else queue.name
    texts = (
        (queue.waiting_level, _waiting(queue)),
        (queue.wait_level, f"longest wait over {_bound(queue.longest_wait_s)}"),
        (queue.service_level_level, f"service level {percentage(queue.service_level)} today"),
    )
    beyond = [text for level, text in texts if level is not Level.GOOD]
    if beyond:
        key = f"queue/{queue.queue_id}/{queue.channel}"
        yield BoardAlert(key, queue.level, where, "; ".join(beyond), now, queue_id=queue.queue_id)


def _waiting(queue: BoardQueue) -> str:
    if queue.counts_late:
        return f"{plural(queue.late, 'contact')} waiting for longer than {spelled(queue.target_s)}"
    return f"{plural(queue.waiting, 'contact')} waiting"


def _bound(wait_s: float | None) -> str:
    """The whole minute that a wait has passed, so that the text does not change each second."""
    return clock((wait_s or 0) // 60 * 60)


def _freshness(snapshot: BoardSnapshot, health: StreamHealth, options: BoardOptions) -> Iterator[BoardAlert]:
    now = snapshot.at
    for stream, lag_s in health.lag_s.items():
        if lag_s >= options.lag_s_max:
            text = f"{stream} is read {clock(lag_s)} behind; numbers are that old. Is the reader throttled or too slow?"
            yield BoardAlert(f"stream/{stream}/lag", Level.ALARM, "Stream lags", text, now)
    if not health.is_connected or snapshot.open_since is None or snapshot.newest is None:
        return
    if now - max(snapshot.newest, snapshot.open_since) >= timedelta(minutes=options.quiet_minutes):
        text = (
            f"Nothing has arrived for {options.quiet_minutes} minutes or longer while a queue is open. Is the instance "
            "still associated with the stream, and may Amazon Connect use the stream's KMS key?"
        )
        yield BoardAlert("stream/quiet", Level.ALARM, "No events", text, now)
        return
    yield from _kind_quiet(snapshot, snapshot.open_since, health)


def _kind_quiet(snapshot: BoardSnapshot, open_since: datetime, health: StreamHealth) -> Iterator[BoardAlert]:
    """One kind has stopped while another goes on: its association was removed, or its key does not fit."""
    now, newest = snapshot.at, health.newest
    agents, contacts, records = (newest.get(kind) for kind in ("agent_event", "contact_event", "contact_record"))
    if agents is not None and now - max(agents, open_since) >= AGENT_QUIET:
        text = (
            "Contacts go on, but no agent has sent a heartbeat for 6 minutes. Is agent events' stream still set in "
            "the instance's data streaming, and does its KMS key allow Amazon Connect?"
        )
        yield BoardAlert("stream/agent_event/quiet", Level.ALARM, "No agent events", text, now)
    if records is not None and contacts is not None and contacts - records >= RECORD_QUIET:
        text = (
            "Contacts end, but no contact record has come for an hour. Is contact records' stream still set in the "
            "instance's data streaming?"
        )
        yield BoardAlert("stream/contact_record/quiet", Level.WATCH, "No contact records", text, now)


class AlertLog:
    """The alerts that last, each since it began, and the latest ones that have ended."""

    def __init__(self) -> None:
        self._open: dict[str, BoardAlert] = {}
        self.closed: list[BoardAlert] = []

    @property
    def open(self) -> list[BoardAlert]:
        """What is wrong now, alarms first."""
        return [*self._open.values()]

    def update(self, alerts: Sequence[BoardAlert], now: datetime) -> list[BoardAlert]:
        """Take what is wrong now; the alerts that this opens, makes worse or closes, for the webhook."""
        news: list[BoardAlert] = []
        current: dict[str, BoardAlert] = {}
        for alert in alerts:
            known = self._open.get(alert.key)
            current[alert.key] = alert if known is None else replace(alert, since=known.since)
            if known is None or alert.level > known.level:
                news.append(current[alert.key])
        ended = [replace(alert, ended=now) for key, alert in self._open.items() if key not in current]
        self._open = current
        self.closed = [*ended, *self.closed][:CLOSED_SHOWN]
        return [*news, *ended]


def webhook_body(alert: BoardAlert, board: str) -> dict[str, object]:
    """An alert as JSON for a webhook. `text` is a sentence that chat systems show."""
    state = "ended" if alert.ended else alert.level.word
    return {
        "text": f"[{state}] {alert.title}: {alert.text}",
        "key": alert.key,
        "state": "closed" if alert.ended else "open",
        "level": alert.level.word,
        "title": alert.title,
        "detail": alert.text,
        "since": alert.since.isoformat(),
        "ended": alert.ended.isoformat() if alert.ended else None,
        "board": board,
    }
