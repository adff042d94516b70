"""The board's parts as markup, each with an id, so that a browser replaces those that have changed.

A time that runs is written as the instant it counts from, and the page's script shows the seconds: a part changes when
something happens, not with every second.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from trunkline.serve.report import wording
from trunkline.serve.report.markup import Attribute, Html, el
from trunkline.serve.wallboard.alerts import BoardAlert
from trunkline.serve.wallboard.snapshot import BoardAgent, BoardContact, BoardDay, BoardQueue, BoardSnapshot, Level

Parts = dict[str, Html]
"""Markup by id. An id is `<section>-<name>`; the parts of a section are shown in this order."""
AGENTS_SHOWN: Final = 600
_AGENT_PARTS_MAX: Final = 4 * AGENTS_SHOWN
LEVEL_SIGNS: Final = {Level.GOOD: "\u2713", Level.WATCH: "\u25b2", Level.ALARM: "\u25a0"}


def parts_of(snapshot: BoardSnapshot, alerts: Sequence[BoardAlert], zone: ZoneInfo) -> Parts:
    """Every part of the board."""
    parts: Parts = {}
    for item in _alerts(alerts, zone):
        parts |= item
    parts |= _day(snapshot.day)
    parts |= {_queue_id(queue): _queue(queue, zone) for queue in snapshot.queues}
    if not snapshot.queues:
        parts["queues-none"] = _none("queues-none", "No queue has a contact today.")
    parts |= {f"waiting-{contact.contact_id}": _waiting(contact) for contact in snapshot.waiting}
    if snapshot.waiting_count > sum(not contact.is_offered for contact in snapshot.waiting):
        parts["waiting-more"] = _none("waiting-more", f"{snapshot.waiting_count:,} contacts wait in all.", "li")
    elif not snapshot.waiting:
        parts["waiting-none"] = _none("waiting-none", "Nobody is waiting.", "li")
    parts["totals-agents"] = _totals(snapshot)
    parts |= {f"agents-{agent.agent_id}": agent_part(agent) for agent in snapshot.agents[:AGENTS_SHOWN]}
    if len(snapshot.agents) > AGENTS_SHOWN:
        more = f"{len(snapshot.agents) - AGENTS_SHOWN:,} more agents are not shown."
        parts["agents-more"] = _none("agents-more", more, "li")
    elif not snapshot.agents:
        parts["agents-none"] = _none("agents-none", "No agent is signed in.", "li")
    return parts


def _none(identity: str, text: str, name: str = "p") -> Html:
    return el(name, {"id": identity, "class": "none"}, text)


def contacts_url(what: str, **filters: str | None) -> str:
    """The page of the contacts behind a number."""
    return "contacts?" + urlencode({"what": what, **{name: value for name, value in filters.items() if value}})


def since_part(at: datetime | None, limit_s: float | None = None) -> Html:
    """A time that runs from an instant; from `limit_s` on it is marked as over."""
    if at is None:
        return el("span", {"class": "since"}, wording.NOTHING)
    instant = round(at.timestamp() * 1000)
    attributes: dict[str, Attribute] = {"class": "since", "data-since": instant, "role": "timer"}
    return el("span", {**attributes, "data-limit": limit_s}, "")


def level_part(level: Level, label: str = "") -> Html:
    """A level by sign and word, hidden from sight where the number itself says it."""
    sign = el("span", {"aria-hidden": "true"}, LEVEL_SIGNS[level])
    return el("span", {"class": f"level {level.word}"}, sign, f" {label or level.word}")


def _link(url: str, text: str, label: str, kind: str = "") -> Html:
    return el("a", {"href": url, "aria-label": label, "class": kind or None}, text)


# --- alerts ---


def _alerts(alerts: Sequence[BoardAlert], zone: ZoneInfo) -> Iterator[Parts]:
    for alert in alerts:
        identity = f"alerts-{alert.key.replace('/', '-').replace(' ', '_')}"
        begun = alert.since.astimezone(zone)
        yield {
            identity: el(
                "li",
                {"id": identity, "class": f"alert {alert.level.word}"},
                level_part(alert.level),
                el("strong", None, f"{alert.title}:"),
                f" {alert.text} ",
                el("span", {"class": "soft"}, f"since {begun:%H:%M}"),
            )
        }
    counts = [(level, sum(alert.level is level for alert in alerts)) for level in (Level.ALARM, Level.WATCH)]
    said = ", ".join(f"{count} {level.word}" for level, count in counts if count) or "no alerts"
    yield {"announce-alerts": el("p", {"id": "announce-alerts", "class": "skip"}, f"Alerts: {said}")}
    if not alerts:
        yield {"alerts-none": _none("alerts-none", "No alerts.", "li")}


# --- the day ---


def _day(day: BoardDay) -> Parts:
    level = wording.percentage(day.service_level)
    before = _against_before(day)
    numbers = (
        ("level", "Service level", level, "queued", ""),
        ("arrived", "Arrived", wording.count(day.arrived), "", before),
        ("handled", "Handled", wording.count(day.handled), "CONTACTS_HANDLED", ""),
        ("abandoned", "Abandoned", wording.count(day.abandoned), "CONTACTS_ABANDONED", _rate(day.abandonment_rate)),
        ("answer", "Average answer", wording.clock(day.answer_time_s), "AVG_QUEUE_ANSWER_TIME", ""),
        ("handle", "Average handle", wording.clock(day.handle_time_s), "AVG_HANDLE_TIME", ""),
    )
    parts = {
        f"today-{key}": el(
            "div",
            {"id": f"today-{key}", "class": "number"},
            el("dt", None, label),
            el("dd", None, _day_value(label, value, what)),
            el("dd", {"class": "soft"}, note),
        )
        for key, label, value, what, note in numbers
    }
    confidence = "complete" if not day.waiting_for else f"{wording.plural(day.waiting_for, 'contact')} without a record"
    parts["confidence-today"] = el("p", {"id": "confidence-today", "class": "soft"}, f"Ended today: {confidence}.")
    parts["chart-arrivals"] = _arrivals_chart(day)
    return parts


def _day_value(label: str, value: str, what: str) -> Html:
    metric = "SERVICE_LEVEL" if what == "queued" else what
    if not metric:
        return _link("contacts?what=arrived", value, f"{label} {value}: show the contacts")
    return _link(contacts_url(metric), value, f"{label} {value}: show the contacts")


def _rate(rate: float | None) -> str:
    return "" if rate is None else f"{wording.percentage(rate)} of queued"


def _against_before(day: BoardDay) -> str:
    if day.so_far_before is None:
        return ""
    change = wording.count_change(day.arrived, day.so_far_before)
    return f"{change or wording.count(day.so_far_before)} to last {day.day:%A}"


def _arrivals_chart(day: BoardDay) -> Html:
    """Arrivals by half hour as bars, and those of the same weekday a week ago as a step line."""
    before = day.arrivals_before or ()
    most = max(*day.arrivals, *before, 1)
    bars = [
        el(
            "rect",
            {"x": place + 0.1, "width": 0.8, "y": 100 - 100 * count / most, "height": 100 * count / most},
            el("title", None, f"{_half_hour(place)}: {wording.plural(count, 'contact')}"),
        )
        for place, count in enumerate(day.arrivals)
        if count
    ]
    path = "".join(
        f"{'L' if place else 'M'}{place} {100 - 100 * count / most:.1f}H{place + 1}"
        for place, count in enumerate(before)
    )
    line = [el("path", {"class": "before", "d": path})] if before else []
    label = f"Arrivals by half hour, {wording.plural(day.arrived, 'contact')} today"
    label += f"; dashed: last {day.day:%A}, {wording.plural(sum(before), 'contact')}" if before else ""
    frame: dict[str, Attribute] = {"viewBox": "0 0 48 100", "preserveAspectRatio": "none", "role": "img"}
    picture = el("svg", {**frame, "aria-label": label}, *bars, *line)
    hours = (el("span", None, f"{hour:02d}") for hour in range(0, 24, 3))
    axis = el("div", {"class": "axis", "aria-hidden": "true"}, *hours)
    caption = el("figcaption", {"class": "soft"}, label)
    return el("figure", {"id": "chart-arrivals"}, picture, axis, caption)


def _half_hour(place: int) -> str:
    return f"{place // 2:02d}:{place % 2 * 30:02d}"


# --- queues ---


def _queue_id(queue: BoardQueue) -> str:
    return f"queues-{queue.queue_id}-{queue.channel or 'none'}"


def _queue(queue: BoardQueue, zone: ZoneInfo) -> Html:
    level = level_part(queue.level) if queue.is_open else el("span", {"class": "level closed"}, _closed(queue, zone))
    channel = el("span", {"class": "soft"}, wording.channel(queue.channel).lower())
    return el(
        "article",
        {"id": _queue_id(queue), "class": f"tile {queue.level.word if queue.is_open else 'closed'}"},
        el("h3", None, el("bdi", None, queue.name), " ", channel),
        level,
        el("dl", None, *_queue_numbers(queue)),
    )


def _closed(queue: BoardQueue, zone: ZoneInfo) -> str:
    return "closed" if queue.opens_at is None else f"closed, opens {queue.opens_at.astimezone(zone):%a %H:%M}"


def _queue_numbers(queue: BoardQueue) -> Iterator[Html]:
    def cell(label: str, value: Html | str, level: Level = Level.GOOD, kind: str = "", note: str = "") -> Html:
        marked = [level_part(level)] if level is not Level.GOOD else []
        noted = [el("span", {"class": "soft"}, f" {note}")] if note else []
        names = " ".join(name for name in (kind, level.word if marked else "") if name)
        return el("div", {"class": names or None}, el("dt", None, label), el("dd", None, value, *noted, *marked))

    def linked(what: str, label: str, value: str) -> Html:
        url = contacts_url(what, queue=queue.queue_id, channel=queue.channel)
        return _link(url, value, f"{queue.name}: {label} {value}, show the contacts")

    waiting = linked("waiting", "waiting", f"{queue.waiting:,}")
    notes = [f"+{queue.offered:,} ringing"] if queue.offered else []
    notes += [f"{queue.late:,} late"] if queue.counts_late and queue.late else []
    yield cell("Waiting", waiting, queue.waiting_level, "hero", ", ".join(notes))
    yield cell("Longest wait", since_part(queue.waiting_since, queue.limit_s), queue.wait_level, "hero")
    level = linked("SERVICE_LEVEL", "service level", wording.percentage(queue.service_level))
    yield cell("Service level", level, queue.service_level_level, "", f"in {wording.spelled(queue.target_s)}")
    yield cell("In progress", linked("in_progress", "in progress", f"{queue.in_progress:,}"))
    yield cell("Handled", linked("CONTACTS_HANDLED", "handled", f"{queue.handled:,}"))
    yield cell("Abandoned", linked("CONTACTS_ABANDONED", "abandoned", f"{queue.abandoned:,}"))


def _waiting(contact: BoardContact) -> Html:
    identity = f"waiting-{contact.contact_id}"
    link = _link(f"contact?id={contact.contact_id}", contact.queue, f"{contact.queue}: show this contact")
    channel = wording.channel(contact.channel).lower()
    offered = [el("span", {"class": "soft"}, "ringing")] if contact.is_offered else []
    return el(
        "li",
        {"id": identity},
        link,
        el("span", {"class": "soft"}, channel),
        *offered,
        since_part(contact.since, contact.limit_s),
    )


# --- agents ---

_TOTALS: Final = (
    ("online", "online"),
    ("available", "available"),
    ("on_contact", "on contact"),
    ("after_contact_work", "contacts in after contact work"),
    ("non_productive", "in a custom status"),
    ("error", "missed or in error"),
)


def _totals(snapshot: BoardSnapshot) -> Html:
    counts = [(getattr(snapshot.totals, name), label) for name, label in _TOTALS]
    counts.append((sum(agent.is_silent for agent in snapshot.agents), "without a signal"))
    items = (el("li", None, el("strong", None, f"{count:,}"), f" {label}") for count, label in counts if count)
    return el("ul", {"id": "totals-agents", "class": "totals"}, *items)


@lru_cache(maxsize=_AGENT_PARTS_MAX)
def agent_part(agent: BoardAgent) -> Html:
    """An agent of the grid: name, state by word, timer, and the contact that the agent has."""
    identity = f"agents-{agent.agent_id}"
    label = "No signal" if agent.is_silent else agent.label
    kind = "silent" if agent.is_silent else agent.activity.lower()
    details = []
    if agent.contact is not None and agent.contact_ids:
        more = f" +{agent.contacts - 1}" if agent.contacts > 1 else ""
        url = f"contact?id={agent.contact_ids[0]}"
        details.append(_link(url, agent.contact + more, f"{agent.username}: {agent.contact}, show the contact"))
    if agent.next_status is not None:
        details.append(el("span", {"class": "soft"}, f"next: {agent.next_status}"))
    return el(
        "li",
        {"id": identity, "class": f"agent {kind}", "title": agent.name},
        el("span", {"class": "who"}, el("bdi", None, agent.username)),
        el("span", {"class": "state"}, label),
        since_part(agent.since),
        el("span", {"class": "what"}, *details),
    )


def stamp_text(at: datetime | None, zone: ZoneInfo) -> str:
    """An instant on the board's wall clock; a dash for None."""
    return wording.NOTHING if at is None else f"{at.replace(tzinfo=at.tzinfo or UTC).astimezone(zone):%d %b %H:%M:%S}"
