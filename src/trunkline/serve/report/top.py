"""The top of the report's page: the headline numbers and what stood out."""

from __future__ import annotations

from typing import Final

from trunkline.serve.report import wording
from trunkline.serve.report.data import WORTH_NAMING, QueueRow, ReportData, Slot
from trunkline.serve.report.headline import Headline
from trunkline.serve.report.markup import Html, el
from trunkline.serve.report.parts import card, name_text

HEROES: Final = 4


def tiles(data: ReportData) -> Html:
    """The headline numbers; the first few larger."""
    return el("dl", {"class": "tiles"}, *(_tile(one, place < HEROES) for place, one in enumerate(data.headline)))


def _tile(one: Headline, is_hero: bool) -> Html:
    change = [one.change]
    if one.tone:
        change.append(el("span", {"class": one.tone}, f" {one.tone}"))
    return el(
        "div",
        {"class": "tile hero" if is_hero else "tile", "title": one.meaning},
        el("dt", None, one.label),
        el("dd", {"class": "value"}, one.value),
        el("dd", {"class": "change"}, *change),
    )


def stood_out(data: ReportData) -> Html:
    """What a lead would look at first: the busiest and the worst half hour, the worst queues."""
    least = max(WORTH_NAMING, data.total["contacts_queued"] / 100)
    slots = [one for one in data.slots if one.queued >= least and one.service_level is not None]
    queues = [one for one in data.queues if not one.is_group and one.values["contacts_queued"] >= least]
    items: list[Html] = []
    if data.slots:
        busiest = max(data.slots, key=lambda one: one.arrivals)
        items.append(_item("Busiest", _span(busiest, data), f"{busiest.arrivals:,} contacts entered a queue"))
    if len(slots) > 1:
        worst = min(slots, key=lambda one: one.service_level or 0)
        level = wording.percentage(worst.service_level)
        items.append(_item("Lowest service level", _span(worst, data), f"{level} of {worst.queued:,} contacts"))
    if len(queues) > 1:
        slow = min(queues, key=lambda one: one.values["service_level"] or 0)
        level = wording.percentage(slow.values["service_level"])
        items.append(_item("Slowest queue", _plain(slow), f"{level} service level"))
        lost = max(queues, key=lambda one: one.values["abandonment_rate"] or 0)
        if lost.values["contacts_abandoned"]:
            rate = wording.percentage(lost.values["abandonment_rate"])
            gone = f"{rate} gave up ({lost.values['contacts_abandoned']:,})"
            items.append(_item("Most abandoned queue", _plain(lost), gone))
    listed = el("ul", {"class": "stood"}, *items)
    return card("What stood out", listed) if items else Html("")


def _item(label: str, what: str, detail: str) -> Html:
    return el("li", None, el("span", None, label), el("strong", None, el("bdi", None, what)), el("span", None, detail))


def _plain(row: QueueRow) -> str:
    name = name_text(row.name, row.queue_id, "queue")
    return name if len(name) <= 40 else name[:39] + "\u2026"


def _span(slot: Slot, data: ReportData) -> str:
    places = [place for place, one in enumerate(data.slots) if one is slot]
    following = places[0] + 1
    if following < len(data.slots):
        return f"{slot.label}\u2013{data.slots[following].label}"
    return f"from {slot.label}"
