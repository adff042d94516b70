"""JSON APIs over real HTTP: paging, credentials, pace, and what is refused."""

from __future__ import annotations

import base64
import dataclasses
import json
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from homes import NARROW, letters, narrow, opened, table, totals
from local_api import Call, Reply, register

from trunkline import limits
from trunkline.errors import TerminalError, TransientError, UsageError
from trunkline.objects.origins import ClientAuth, CursorPaging, HeaderAuth, HttpOrigin, LinkPaging, OffsetPaging, Since
from trunkline.pipelines.home import Home
from trunkline.pipelines.runner import LoadResult, Runner
from trunkline.settings.secrets import SecretName
from trunkline.sources.http_api.client import JsonApi, with_parameters
from trunkline.sources.http_api.source import HttpPages
from trunkline.sources.registry import open_source

SECRET = "s3cr3t-of-the-api"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pause between tries, and the secret in the environment."""
    monkeypatch.setattr(limits, "API_BACKOFF_S", 0)
    monkeypatch.setenv("SURVEY_TOKEN", SECRET)


def record(number: int, **changes: Any) -> dict[str, Any]:
    return narrow(f"k{number}", Changed=f"2026-03-03T11:{number:02}:00Z", **changes)


RECORDS = [record(number) for number in range(7)]


def pull(home: Home, origin: HttpOrigin, sleep: Callable[[float], None] = lambda _: None) -> LoadResult:
    runner = Runner(home, NARROW)
    pages = HttpPages(NARROW, dataclasses.replace(origin, calls_per_s=1000), api=JsonApi(origin, sleep))
    return runner.run(open_source("http_api", runner.context, pages=pages))


def ids(home: Home) -> list[str]:
    return [row["id"] for row in table(home, NARROW)]


def by_cursor(call: Call) -> Reply:
    start = int(call.query.get("after", 0))
    following = start + 3 if start + 3 < len(RECORDS) else None
    return Reply({"data": {"items": RECORDS[start : start + 3]}, "meta": {"next": following}})


def by_header_link(call: Call) -> Reply:
    start = int(call.query.get("start", 0))
    link = f'<?start={start + 3}&status=closed>; rel="next", <?start=0>; rel="first"' if start < 6 else ""
    return Reply(RECORDS[start : start + 3], headers={"Link": link})


def by_body_link(call: Call) -> Reply:
    start = int(call.query.get("start", 0))
    following = f"?start={start + 3}" if start < 6 else None
    return Reply({"records": RECORDS[start : start + 3], "links": {"next": following}})


def by_rows(call: Call) -> Reply:
    """At most two records a page, whatever is asked for."""
    start, rows = int(call.query["offset"]), min(2, int(call.query["limit"]))
    return Reply({"records": RECORDS[start : start + rows]})


def by_page(call: Call) -> Reply:
    page = int(call.query["page"])
    return Reply({"records": RECORDS[3 * (page - 1) : 3 * page]})


@pytest.mark.parametrize(("service", "records", "paging"), [
    (by_cursor, ("data", "items"), CursorPaging("after", ("meta", "next"))),
    (by_header_link, (), LinkPaging()),
    (by_body_link, ("records",), LinkPaging(("links", "next"))),
    (by_rows, ("records",), OffsetPaging("offset", rows_parameter="limit", rows=100)),
    (by_page, ("records",), OffsetPaging("page", "pages", 1)),
    (lambda call: Reply(RECORDS), (), None),
], ids=["cursor", "header link", "body link", "offset", "pages", "one page"])  # fmt: skip
def test_every_way_of_paging_reads_all_records(service: Any, records: Any, paging: Any, tmp_path: Path) -> None:
    """Also where a page has fewer records than were asked for; what is unchanged is not loaded again."""
    origin = HttpOrigin(register(service) + "/v1", records, paging=paging)
    with opened(tmp_path, NARROW) as home:
        assert pull(home, origin).counts.inserted == len(RECORDS)
        assert ids(home) == [f"k{number}" for number in range(7)]
        assert pull(home, origin).counts.read == 0


def test_a_number_keeps_its_digits(tmp_path: Path) -> None:
    """Records are cut out of the answer as they are written, and never go through a float."""
    body = json.dumps([record(1)]).replace('"Anything"', '"Exact": 12345678901234567890.123456789, "Anything"')
    with opened(tmp_path, NARROW) as home:
        pull(home, HttpOrigin(register(lambda call: Reply(body.encode()))))
        assert "12345678901234567890.123456789" in table(home, NARROW)[0]["record_unmapped"]


def test_since_asks_for_what_changed(tmp_path: Path) -> None:
    """From the newest record less the overlap; a record that is given again is not loaded again."""
    asked: list[str | None] = []
    records = [record(5), record(20)]

    def service(call: Call) -> Reply:
        asked.append(call.query.get("updated_since"))
        since = call.query.get("updated_since", "")
        return Reply([entry for entry in records if entry["Changed"] >= since])

    origin = HttpOrigin(register(service), parameters=(("status", "closed"),), since=Since("updated_since", "iso", 600))
    with opened(tmp_path, NARROW) as home:
        pull(home, origin)
        records += [record(12), record(30)]
        again = pull(home, origin)
        assert (again.counts.read, again.counts.inserted) == (2, 2)
        records[0]["Score"] = 9
        records[0]["Changed"] = "2026-03-03T11:31:00Z"
        assert pull(home, origin).counts.updated == 1
        assert asked == [None, "2026-03-03T11:10:00Z", "2026-03-03T11:20:00Z"]


def test_a_record_without_a_version_does_not_move_the_time_on(tmp_path: Path) -> None:
    """What is asked next depends on versions that are known, and a record that is none is not set aside again."""
    asked: list[str | None] = []

    def service(call: Call) -> Reply:
        asked.append(call.query.get("since"))
        return Reply([record(5), "no object"])

    with opened(tmp_path, NARROW) as home:
        for _ in range(3):
            pull(home, HttpOrigin(register(service, "unversioned"), since=Since("since", "iso", 60)))
        assert totals(home, NARROW).dead_letter == 1
    assert asked == [None, "2026-03-03T11:04:00Z", "2026-03-03T11:04:00Z"]


def test_a_value_that_changes_back_is_seen(tmp_path: Path) -> None:
    """What is remembered is the last content of each key, not every content."""
    records = [record(1)]
    origin = HttpOrigin(register(lambda call: Reply(records)))
    with opened(tmp_path, NARROW) as home:
        for minute, score in ((1, 1), (2, 2), (3, 1)):
            records[0] = record(1, Score=score) | {"Changed": f"2026-03-03T12:0{minute}:00Z"}
            pull(home, origin)
            assert table(home, NARROW)[0]["score"] == score


def test_a_record_that_is_none_is_set_aside_once(tmp_path: Path) -> None:
    """Its bytes are kept, and the others are loaded; a second pull does not set it aside again."""
    origin = HttpOrigin(register(lambda call: Reply([record(1), "no object", record(2), {"Began": 1}])))
    with opened(tmp_path, NARROW) as home:
        for _ in range(2):
            pull(home, origin)
            assert ids(home) == ["k1", "k2"]
            assert sorted(letter.reason for letter in letters(home, NARROW)) == ["missing_key", "not_an_object"]
        assert totals(home, NARROW).dead_letter == 2


def test_a_reading_that_was_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    """Durable pages are not asked for again."""
    asked: list[str] = []
    fails = [True]

    def service(call: Call) -> Reply:
        asked.append(call.query.get("after", "0"))
        return Reply(status=503) if fails[0] and asked[-1] == "6" else by_cursor(call)

    origin = HttpOrigin(register(service), ("data", "items"), paging=CursorPaging("after", ("meta", "next")))
    with opened(tmp_path, NARROW, batch_bytes=1) as home:
        with pytest.raises(TransientError, match=r"answered 503 to every try"):
            pull(home, origin)
        assert ids(home) == [f"k{number}" for number in range(6)]
        fails[0] = False
        asked.clear()
        pull(home, origin)
        assert ids(home) == [f"k{number}" for number in range(7)]
        assert asked == ["6", "0", "3", "6"]  # the rest, then a new reading


def test_a_cursor_that_the_api_forgot_begins_anew(tmp_path: Path) -> None:
    """The span is read from its beginning; what is durable is not loaded again."""
    state = {"fails": True}

    def service(call: Call) -> Reply:
        after = call.query.get("after")
        if after == "3" and state["fails"]:
            return Reply(status=503)
        return Reply(status=410) if after == "3" and state.pop("forgot", None) else by_cursor(call)

    origin = HttpOrigin(register(service), ("data", "items"), paging=CursorPaging("after", ("meta", "next")))
    with opened(tmp_path, NARROW, batch_bytes=1) as home:
        with pytest.raises(TransientError):
            pull(home, origin)
        state |= {"fails": False, "forgot": True}
        assert pull(home, origin).counts.inserted == 4
        assert totals(home, NARROW).inserted == 7


def test_throttling_is_waited_for(tmp_path: Path) -> None:
    """`Retry-After` is honoured, and the page is not lost."""
    tries: list[int] = []

    def service(call: Call) -> Reply:
        tries.append(1)
        return Reply(status=429, headers={"Retry-After": "0"}) if len(tries) < 4 else Reply(RECORDS)

    with opened(tmp_path, NARROW) as home:
        assert pull(home, HttpOrigin(register(service))).counts.inserted == 7
    assert len(tries) == 4


def test_throttling_without_end_is_bounded() -> None:
    """A number of tries, then an error that says when to try again."""
    tries: list[int] = []

    def service(call: Call) -> Reply:
        tries.append(1)
        return Reply(status=429, headers={"Retry-After": "0"})

    api = JsonApi(HttpOrigin(register(service)))
    with pytest.raises(TransientError, match=r"answered 429 to every try: .* Try again in 0 s"):
        api.get(api.origin.url, {})
    assert len(tries) == limits.API_TRIES


def test_requests_keep_the_pace() -> None:
    """No request follows another sooner than the origin allows."""
    waits: list[float] = []
    api = JsonApi(HttpOrigin(register(lambda call: Reply([])), calls_per_s=2), waits.append)
    for _ in range(3):
        api.get(api.origin.url, {})
    assert len(waits) == 2
    assert all(0.3 < wait <= 0.5 for wait in waits)


def test_a_secret_goes_into_its_header(tmp_path: Path) -> None:
    """With the prefix that is declared."""
    seen: list[Any] = []

    def service(call: Call) -> Reply:
        seen.append(call.headers.get("X-Api-Key"))
        return Reply([])

    auth = HeaderAuth(SecretName("env", "SURVEY_TOKEN"), "X-Api-Key", "Key ")
    with opened(tmp_path, NARROW) as home:
        pull(home, HttpOrigin(register(service), auth=auth))
    assert seen == [f"Key {SECRET}"]


def token_service(body_alone: bool = False) -> tuple[Any, list[str]]:
    """An API whose tokens last for two requests, and what it was asked for them."""
    granted: list[str] = []
    uses: list[int] = []

    def service(call: Call) -> Reply:
        if call.path == "/token":
            basic = base64.b64encode(f"me:{SECRET}".encode()).decode()
            in_header = call.headers.get("Authorization") == f"Basic {basic}" and not body_alone
            in_body = (call.form.get("client_id"), call.form.get("client_secret")) == ("me", SECRET)
            if not (in_header or in_body) or call.form["grant_type"] != "client_credentials":
                return Reply({"error": "invalid_client"}, 401)
            granted.append(call.form.get("scope", ""))
            uses.clear()
            return Reply({"access_token": f"t{len(granted)}", "expires_in": 3600})
        if call.headers.get("Authorization") != f"Bearer t{len(granted)}" or len(uses) == 2:
            return Reply(status=401)
        uses.append(1)
        return by_cursor(call)

    return service, granted


@pytest.mark.parametrize("body_alone", [False, True])
def test_a_client_gets_tokens(body_alone: bool, tmp_path: Path) -> None:
    """Once for many requests, and again where a token ends before its time."""
    service, granted = token_service(body_alone)
    base = register(service)
    auth = ClientAuth(f"{base}/token", "me", SecretName("env", "SURVEY_TOKEN"), "read")
    origin = HttpOrigin(f"{base}/v1", ("data", "items"), paging=CursorPaging("after", ("meta", "next")), auth=auth)
    with opened(tmp_path, NARROW) as home:
        assert pull(home, origin).counts.inserted == 7
    assert granted == ["read", "read"]


@pytest.mark.parametrize(("status", "message"), [
    (401, "the credentials are wrong or expired; check the secret env:SURVEY_TOKEN"),
    (403, "these credentials may not read it; ask its owner"),
    (404, "there is nothing at this address; check the origin's url"),
    (302, "it redirects, which is not followed; write its address as url"),
    (418, "answered 418: see its documentation"),
])  # fmt: skip
def test_a_refusal_says_what_to_do(status: int, message: str, tmp_path: Path) -> None:
    """And shows neither the secret nor the query."""
    base = register(lambda call: Reply({"echo": dict(call.headers)}, status, {"Location": "http://example.com/"}))
    origin = HttpOrigin(f"{base}/v1?key={SECRET}", auth=HeaderAuth(SecretName("env", "SURVEY_TOKEN")))
    with opened(tmp_path, NARROW) as home, pytest.raises(TerminalError) as caught:
        pull(home, origin)
    assert message in str(caught.value)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_missing_secret_names_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before a request is sent."""
    monkeypatch.delenv("SURVEY_TOKEN")
    api = JsonApi(HttpOrigin("https://127.0.0.1:9/", auth=HeaderAuth(SecretName("env", "SURVEY_TOKEN"))))
    with pytest.raises(UsageError, match="SURVEY_TOKEN, which env:SURVEY_TOKEN names, is not set"):
        api.get(api.origin.url, {})


def test_a_link_to_another_server_gets_no_secret(tmp_path: Path) -> None:
    """Whoever writes the answers must not choose who receives the credentials."""
    other: list[Call] = []
    thief = register(lambda call: [other.append(call), Reply([])][1]).replace("127.0.0.1", "localhost")
    service = register(lambda call: Reply({"records": RECORDS[:1], "next": f"{thief}/x"}))
    origin = HttpOrigin(
        service, ("records",), paging=LinkPaging(("next",)), auth=HeaderAuth(SecretName("env", "SURVEY_TOKEN"))
    )
    with opened(tmp_path, NARROW) as home, pytest.raises(TerminalError, match="which is another server"):
        pull(home, origin)
    assert other == []


@pytest.mark.parametrize(("body", "error", "message"), [
    (b'{"records": [', TransientError, "not whole JSON"),
    (b"<html>", TransientError, "not whole JSON"),
    (b'{"items": [], "total": 0}', TerminalError, "has no list of records at records: .* The answer's keys are items, total"),
    (b'{"records": {}}', TerminalError, "has no list of records at records"),
    (b"[]", TerminalError, "has no list of records at records: .* keys are none"),
])  # fmt: skip
def test_an_answer_that_is_not_as_declared_is_an_error(
    body: bytes, error: type[Exception], message: str, tmp_path: Path
) -> None:
    """Nothing is taken for the end of the pages."""
    with opened(tmp_path, NARROW) as home, pytest.raises(error, match=message):
        pull(home, HttpOrigin(register(lambda call: Reply(body)), ("records",)))


def test_null_is_an_empty_list(tmp_path: Path) -> None:
    """As languages without a difference write it."""
    with opened(tmp_path, NARROW) as home:
        assert pull(home, HttpOrigin(register(lambda call: Reply({"records": None})), ("records",))).counts.read == 0


def test_the_same_page_again_is_not_read_for_ever(tmp_path: Path) -> None:
    """A cursor that does not move is an error."""
    service = register(lambda call: Reply({"records": RECORDS[:1], "next": "a"}))
    origin = HttpOrigin(service, ("records",), paging=CursorPaging("after", ("next",)))
    with opened(tmp_path, NARROW) as home, pytest.raises(TerminalError, match="the same page as its next one again"):
        pull(home, origin)


def test_a_server_that_is_not_there_is_passing() -> None:
    """No address but the declared one in the message."""
    api = JsonApi(HttpOrigin("http://127.0.0.1:9/v1?key=hidden"))
    with pytest.raises(TransientError, match=r"http://127\.0\.0\.1:9/v1 did not answer") as caught:
        api.get(api.origin.url, {})
    assert "hidden" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_parameters_replace_those_of_the_address() -> None:
    """Others stay, in the form that they have."""
    assert with_parameters("https://a/b?x=1&y=%20z", {"x": "2 3"}) == "https://a/b?y=%20z&x=2+3"
