"""Pages are listed while contacts are described, a bounded number of them, and a killed run's are not listed again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from connect import DAY, asking, contact_at, emulator, instance_with
from virtual_clock import VirtualClock

from trunkline.schedules.windows import Window
from trunkline.sources.connect_api import search
from trunkline.sources.connect_api.contacts import ContactReader, HeldContact
from trunkline.sources.connect_api.journal import CallJournal
from trunkline.sources.connect_api.quota import CallClock, DeadlineError, TokenBucket
from trunkline.sources.connect_api.record import ResourceNames
from trunkline.sources.connect_api.search import ContactQuery, ListedContact, ReadAhead, pages

START_S = int(DAY.timestamp())
LATER_S = START_S + 10 * 86_400
WINDOW = Window(DAY, DAY + timedelta(hours=2))
CONTACTS, LOST = 4_000, range(500, 1_100)  # a lost file: 600 contacts in a row


def held(ids):
    return {one: HeldContact("stream", True) for one in ids if int(one[-6:]) not in LOST}


def read(clock: VirtualClock):
    api = emulator(instance_with([contact_at(n, START_S + n) for n in range(CONTACTS)]), clock, check=False)
    client = asking(api, clock)
    return api, list(ContactReader(client, ResourceNames(client), held, batch_contacts=700).read(WINDOW))


def test_describing_and_searching_use_their_quotas_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gap takes 60 seconds to describe and the pages 80 to list: 80 in all. The parts are the same as one by one."""
    clock = VirtualClock(LATER_S)
    api, parts = read(clock)
    assert api.count()["SearchContacts"] == 40
    assert api.count()["DescribeContact"] == len(LOST)
    assert api.count("ThrottlingException") == {}
    took_s = clock.now_s() - LATER_S
    monkeypatch.setattr(search.ReadAhead, "list_ready", lambda self: None)
    slow = VirtualClock(LATER_S)
    _, one_by_one = read(slow)
    assert [(part.through, part.listed, part.framed and part.framed.texts) for part in parts] == [
        (part.through, part.listed, part.framed and part.framed.texts) for part in one_by_one
    ]
    assert slow.now_s() - LATER_S > 125
    assert took_s < 80 * 1.05


def listed(clock: VirtualClock, most: int, deadline_s: float | None = None, fails: Exception | None = None):
    """An `ReadAhead` of twelve pages, a second each, and how many of them were listed."""
    bucket = TokenBucket(1.0, 1.0, CallClock(clock.now_s, clock.sleep, deadline_s))
    count = [0]

    def found():
        for number in range(12):
            bucket.take()
            count[0] += 1
            yield [ListedContact(str(number), DAY, {})]
        if fails:
            raise fails

    return ReadAhead(found(), bucket, most), count


def test_pages_ahead_are_bounded_and_in_order() -> None:
    """However long the wait for something else is."""
    clock = VirtualClock(LATER_S)
    ahead, count = listed(clock, most=3)
    got = []
    for page in ahead:
        got.append(page[0].contact_id)
        for _ in range(20):
            clock.sleep(1)
            ahead.list_ready()
        assert count[0] <= len(got) + 3
    assert got == [str(number) for number in range(12)]


def test_an_error_is_raised_after_the_pages_before_it() -> None:
    """As it would without listing ahead."""
    clock = VirtualClock(LATER_S)
    ahead, _ = listed(clock, most=20, fails=ValueError("broken"))
    given = iter(ahead)
    for _ in range(12):
        next(given)
        for _ in range(20):
            clock.sleep(1)
            ahead.list_ready()
    with pytest.raises(ValueError, match="broken"):
        next(given)


def test_a_deadline_leaves_pages_to_the_next_run() -> None:
    """What is listed ahead is not worked off after the deadline."""
    clock = VirtualClock(LATER_S)
    ahead, count = listed(clock, most=20, deadline_s=LATER_S + 8)
    given = iter(ahead)
    next(given)
    for _ in range(6):
        clock.sleep(1)
        ahead.list_ready()
    assert count[0] > 5
    clock.sleep(2)
    with pytest.raises(DeadlineError):
        next(given)


def journal(path: Path, clock: VirtualClock) -> CallJournal:
    return CallJournal(path / "journal.jsonl", CallClock(clock.now_s, clock.sleep))


def spread(seconds: list[int]):
    return instance_with([contact_at(n, START_S + second) for n, second in enumerate(seconds)])


@pytest.mark.parametrize(
    ("seconds", "window", "durable", "calls"),
    [
        ([n // 3 for n in range(900)], WINDOW, 160, 9),  # inside a page, in the middle of a second
        ([n // 3 for n in range(10_300)], WINDOW, 3_390, 104),  # in the second query
        ([n * 7_200 for n in range(-1_400, 0)], Window(DAY - timedelta(days=120), DAY), -86_400 * 80, 15),  # in the first of three
    ],
)  # fmt: skip
@pytest.mark.parametrize("expires", [False, True])
def test_a_killed_run_finds_the_pages_that_it_had_listed_ahead(
    tmp_path, seconds, window, durable, calls, expires
) -> None:
    """Everything is listed, the contacts before one second are durable, the process dies: no page is requested again."""
    clock = VirtualClock(LATER_S)
    api = emulator(spread(seconds), clock, check=False)
    cache = journal(tmp_path, clock)
    whole = [one for page in pages(asking(api, clock, cache=cache), window, ContactQuery()) for one in page]
    assert api.count()["SearchContacts"] == calls
    through = datetime.fromtimestamp(START_S + durable, UTC)
    cache.forget({one.contact_id for one in whole if one.at < through}, through)
    cache.close()
    if expires:  # nothing an hour old is believed: the rest is listed anew, from there on
        clock.sleep(3_601)
    again = asking(api, clock, cache=journal(tmp_path, clock))
    rest = [one for page in pages(again, Window(through, window.end), ContactQuery()) for one in page]
    assert [one.contact_id for one in rest] == [one.contact_id for one in whole if one.at >= through]
    more = api.count()["SearchContacts"] - calls
    assert 0 < more <= -(-len(rest) // 100) + 3 if expires else more == 0


def test_a_run_that_was_killed_while_it_listed_goes_on_with_the_next_page(tmp_path: Path) -> None:
    """By the page's token; where that is refused by then, from the last second that was listed: 306 contacts, four pages."""
    for waits_s, calls in ((0, 9), (1_200, 11)):
        clock = VirtualClock(LATER_S)
        api = emulator(spread([n // 3 for n in range(900)]), clock, check=False)
        cache = journal(tmp_path, clock)
        first = pages(asking(api, clock, cache=cache), WINDOW, ContactQuery())
        got = [one for _ in range(6) for one in next(first)]
        through = got[250].at
        cache.forget({one.contact_id for one in got if one.at < through}, through)
        cache.close()
        clock.sleep(waits_s)
        cache = journal(tmp_path, clock)
        again = asking(api, clock, cache=cache)
        rest = [one for page in pages(again, Window(through, WINDOW.end), ContactQuery()) for one in page]
        assert {one.contact_id for one in rest} | {one.contact_id for one in got if one.at < through} == set(
            next(iter(api._instances.values())).contacts
        )
        assert len(rest) == len({one.contact_id for one in rest})
        assert len(api.calls) == calls
        cache.clear()
        cache.close()


def test_searches_that_are_behind_are_forgotten(tmp_path: Path) -> None:
    """The journal holds a query's pages at most, and nothing when the window's end is durable."""
    clock = VirtualClock(LATER_S)
    api = emulator(spread([n // 3 for n in range(10_300)]), clock, check=False)
    cache = journal(tmp_path, clock)
    whole = [one for page in pages(asking(api, clock, cache=cache), WINDOW, ContactQuery()) for one in page]
    sizes = []
    for through in (whole[5_000].at, whole[10_200].at, WINDOW.end):
        cache.forget((), through)
        sizes.append(len(cache._lines))
    assert sizes[0] == 104
    assert sizes[1] <= 5
    assert sizes[2] == 0
