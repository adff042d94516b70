"""A window's contacts, each once, in order, in as few calls as its pages take, whatever Amazon leaves open."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from connect import DAY, asking, contact_at, emulator, instance_with
from virtual_clock import VirtualClock

from trunkline.errors import TerminalError, TransientError, UsageError
from trunkline.schedules.windows import Window
from trunkline.simulator.connect_api.answers import ApiError
from trunkline.sources.connect_api.search import ContactQuery, ListedContact, count_contacts, pages

START_S = int(DAY.timestamp())
WINDOW = Window(DAY, DAY + timedelta(hours=2))
LATER_S = START_S + 2 * 86_400


def spread(count: int, seconds: int = 7200, seed: int = 1) -> list[int]:
    rng = random.Random(seed)
    return sorted(rng.randrange(seconds) for _ in range(count))


def listed(api, clock, window: Window = WINDOW, query: ContactQuery | None = None) -> list[ListedContact]:
    return [one for page in pages(asking(api, clock), window, query or ContactQuery()) for one in page]


def centre(seconds: list[int]):
    return instance_with([contact_at(n, START_S + at) for n, at in enumerate(seconds)])


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 350])
def test_every_contact_once_and_as_many_calls_as_pages(count: int) -> None:
    """No call beyond the pages; an empty window takes one."""
    clock = VirtualClock(LATER_S)
    instance = centre(spread(count))
    api = emulator(instance, clock, check=False)
    found = listed(api, clock)
    assert sorted(one.contact_id for one in found) == sorted(instance.contacts)
    assert [one.at for one in found] == sorted(one.at for one in found)
    assert api.count() == {"SearchContacts": max(1, -(-count // 100))}
    assert api.count("ThrottlingException") == {}


@pytest.mark.parametrize("count", [10_001, 20_500])
def test_more_contacts_than_a_query_gives(count: int) -> None:
    """The next query begins where the last one ended: a call more per 10,000 contacts, none wasted on splitting."""
    clock = VirtualClock(LATER_S)
    api = emulator(centre(spread(count)), clock, check=False)
    found = listed(api, clock)
    assert len(found) == len({one.contact_id for one in found}) == count
    pages_needed = -(-count // 100)
    assert api.count()["SearchContacts"] <= pages_needed + 1 + count // 10_000
    assert api.count("ThrottlingException") == {}


@pytest.mark.soak
def test_a_window_with_a_quarter_of_a_million_contacts() -> None:
    """2,500 pages, 25 queries, within 5 % of the pages."""
    clock = VirtualClock(LATER_S)
    api = emulator(centre(spread(250_000)), clock, check=False)
    found = listed(api, clock)
    assert len({one.contact_id for one in found}) == 250_000
    assert 2_500 <= api.count()["SearchContacts"] <= 2_625


@pytest.mark.parametrize("includes_start", [True, False])
@pytest.mark.parametrize("includes_end", [True, False])
def test_a_contact_on_a_bound_is_in_one_window(includes_start: bool, includes_end: bool) -> None:
    """A contact that ended in the very second of a bound is in the window that begins there, and in no other."""
    clock = VirtualClock(LATER_S)
    instance = centre([-3600, -1, 0, 1, 7199, 7200, 7201])
    api = emulator(instance, clock, includes_start=includes_start, includes_end=includes_end)
    assert [int(one.at.timestamp()) - START_S for one in listed(api, clock)] == [0, 1, 7199]


@pytest.mark.parametrize("assumed", [{"sorts": False}, {"sorts": False, "total_max": 10_000}])
def test_unordered_results_are_split_by_total(assumed: dict[str, object]) -> None:
    """A service that does not sort, and one whose totals stop at 10,000: still every contact once."""
    clock = VirtualClock(LATER_S)
    api = emulator(centre(spread(10_400)), clock, check=False, **assumed)
    found = {one.contact_id for one in listed(api, clock)}
    assert len(found) == 10_400
    assert api.count("InvalidParameterException") == {}


def test_the_time_that_cannot_be_sorted_by() -> None:
    """Enqueue times have no order in the API; windows of theirs are split instead."""
    clock = VirtualClock(LATER_S)
    api = emulator(centre(spread(10_500)), clock, check=False)
    window = Window(DAY - timedelta(hours=1), DAY + timedelta(hours=3))
    found = listed(api, clock, window, ContactQuery("ENQUEUE_TIMESTAMP"))
    assert len({one.contact_id for one in found}) == len(found) == 10_500
    assert not any("Sort" in call.request for call in api.calls)


def test_a_token_that_has_expired_costs_no_page_again() -> None:
    """The search goes on from the second of the last contact that was read."""
    clock = VirtualClock(LATER_S)
    api = emulator(centre(spread(450)), clock, check=False)
    found: list[ListedContact] = []
    for number, page in enumerate(pages(asking(api, clock), WINDOW, ContactQuery())):
        found += page
        if number == 1:
            clock.sleep(3600)
    assert len({one.contact_id for one in found}) == len(found) == 450
    assert api.count()["SearchContacts"] == 5
    assert api.count("InvalidParameterException")["SearchContacts"] == 1


def test_a_token_that_has_expired_where_nothing_sorts_halves_the_window() -> None:
    """The same question again would have the same answer from memory, and its token would be refused for good."""
    clock = VirtualClock(LATER_S)
    api = emulator(centre(spread(450)), clock, check=False, token_life_s=1)
    window = Window(DAY - timedelta(hours=1), DAY + timedelta(hours=3))
    found = listed(api, clock, window, ContactQuery("ENQUEUE_TIMESTAMP"))
    assert len({one.contact_id for one in found}) == len(found) == 450
    assert api.count("InvalidParameterException")["SearchContacts"] > 1


def test_a_range_of_a_year_is_asked_for_in_eight_weeks() -> None:
    """And nothing is refused for its length."""
    clock = VirtualClock(LATER_S)
    api = emulator(centre([-86_400 * 300, -86_400 * 57, -86_400 * 56, 5]), clock)
    window = Window(DAY - timedelta(days=364), DAY + timedelta(days=1))
    assert len(listed(api, clock, window)) == 4
    assert count_contacts(asking(api, clock), window, ContactQuery()) == 4
    assert set(api.count("InvalidParameterException")) == set()


def test_one_second_with_too_many_contacts_says_so() -> None:
    """There is no narrower range than a second."""
    clock = VirtualClock(LATER_S)
    api = emulator(centre([5] * 10_100), clock, check=False)
    with pytest.raises(
        TerminalError, match=r"more than 10,000 contacts whose DISCONNECT_TIMESTAMP is 2026-03-03 00:00:05"
    ):
        listed(api, clock)


def test_an_unknown_time_type_is_refused() -> None:
    """With the valid ones."""
    with pytest.raises(UsageError, match="valid are DISCONNECT_TIMESTAMP, INITIATION_TIMESTAMP"):
        ContactQuery("ENDED")


def test_other_users_of_the_quota_slow_a_run_down_without_stopping_it() -> None:
    """Each refusal halves our rate; when they leave, it comes back; every contact is there in the end."""
    clock = VirtualClock(LATER_S)
    api = emulator(centre(spread(3_000)), clock, check=False)
    api.quotas.others = lambda operation: 0.35 if clock.now_s() < LATER_S + 120 else 0.0
    client = asking(api, clock)
    found = [one for page in pages(client, WINDOW, ContactQuery()) for one in page]
    bucket = client.buckets.of("111122223333", "us-east-1", "SearchContacts")
    assert len(found) == 3_000
    refused = api.count("ThrottlingException")["SearchContacts"]
    assert 1 <= refused <= 12
    assert bucket.throttled == refused
    assert bucket.rate > 0.25


def test_a_permanently_exhausted_quota_ends_the_run_with_advice() -> None:
    """Ten refusals in a row are no reason to go on asking."""
    clock = VirtualClock(LATER_S)
    api = emulator(centre([1]), clock)
    api.failures = lambda operation, request: ApiError("ThrottlingException", "Rate exceeded")
    with pytest.raises(TransientError, match="throttled 10 times in a row"):
        listed(api, clock)
    assert len(api.calls) == 10


def test_a_share_of_the_quota_leaves_the_rest_to_others() -> None:
    """At half the quota, somebody who takes the other half is never refused."""
    clock = VirtualClock(LATER_S)
    api = emulator(centre(spread(2_000)), clock, check=False)
    api.quotas.others = lambda operation: 0.25
    started = clock.now_s()
    found = [one for page in pages(asking(api, clock, share=0.5), WINDOW, ContactQuery()) for one in page]
    assert len(found) == 2_000
    assert api.count("ThrottlingException") == {}
    assert clock.now_s() - started == pytest.approx(20 * 4, rel=0.02)


@pytest.mark.parametrize("failure", [ApiError("InternalServiceException", "x"), ConnectionResetError()])
def test_transient_failures_are_retried(failure: Exception) -> None:
    """A server's error and a broken connection, five times at most."""
    clock = VirtualClock(LATER_S)
    api = emulator(centre([1, 2]), clock)
    left = [4]

    def failing(operation: str, request: object) -> Exception | None:
        left[0] -= 1
        return failure if left[0] >= 0 else None

    api.failures = failing
    assert len(listed(api, clock)) == 2
    left[0] = 100
    with pytest.raises(TransientError, match="Try again later"):
        listed(api, clock)


def test_a_refusal_names_the_permission() -> None:
    """What the credentials lack."""
    clock = VirtualClock(LATER_S)
    api = emulator(centre([1]), clock)
    api.failures = lambda operation, request: ApiError("AccessDeniedException", "no")
    with pytest.raises(TerminalError, match="need connect:SearchContacts"):
        listed(api, clock)
