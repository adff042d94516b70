"""Salesforce through the real client: one test for each way in which records are missed, doubled or misread."""

from __future__ import annotations

import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from local_api import Reply
from salesforce_home import five_tasks, home_of, origin_of, rows
from salesforce_org import CLIENT, FIELDS, Organisation, error, stamp, task

from trunkline.errors import TerminalError, TransientError, UsageError
from trunkline.pipelines.jobs.pull import pull
from trunkline.sources.salesforce.client import describe_object


@pytest.fixture
def org(monkeypatch: pytest.MonkeyPatch) -> Organisation:
    """An organisation with five tasks."""
    return five_tasks(monkeypatch)


RICH = task(
    "00T9", Description='several\nlines, "quoted"', ActivityDate="2026-01-31", CallDurationInSeconds=61, IsClosed=False,
    Amount__c=12345678901.25,
)  # fmt: skip


@pytest.mark.parametrize("api", ["rest", "bulk"])
def test_both_apis_give_the_same_rows(api: Any, org: Organisation, tmp_path: Path) -> None:
    """Types, text of several lines, parents and nulls; pages and the locator `null`."""
    org.tasks += [RICH, task("00Ta", **{"Owner.Name": None})]
    with home_of(org, tmp_path, api=api) as (home, obj):
        result = pull(home, obj)
        assert result.counts.inserted == 7
        assert not any(drift.unknown for drift in result.drifts)
        rich = rows(home, obj)["00T9"]
        assert (rich["description"], rich["owner"], rich["call_s"], rich["is_closed"]) == (
            'several\nlines, "quoted"',
            "Ann",
            61,
            False,
        )
        assert (str(rich["activity_date"]), float(rich["amount"])) == ("2026-01-31", 12345678901.25)
        assert rich["changed_at"] == datetime(2026, 3, 3, 10)
        assert rich["record_unmapped"] is None
        assert rows(home, obj)["00Ta"]["owner"] is None
    assert {"rest": "ORDER BY SystemModstamp, Id" in org.queries[0], "bulk": "ORDER BY" not in org.queries[0]}[api]
    assert org.jobs == {}  # what was read is removed


def test_many_records_are_read_in_bulk(org: Organisation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By what the first answer says of their number."""
    monkeypatch.setattr("trunkline.sources.salesforce.source.SALESFORCE_REST_RECORDS_MAX", 4)
    with home_of(org, tmp_path) as (home, obj):
        assert pull(home, obj).counts.inserted == 5
    assert len(org.queries) == 2


@pytest.mark.parametrize("api", ["rest", "bulk"])
def test_an_empty_object_has_no_rows(api: Any, org: Organisation, tmp_path: Path) -> None:
    """A header without records, or a body without anything."""
    org.tasks = []
    with home_of(org, tmp_path, api=api) as (home, obj):
        assert pull(home, obj).counts.read == 0
        org.failures = {"results": [Reply(b"", headers={"Sforce-Locator": "null"})]}
        assert pull(home, obj).counts.read == 0


def test_what_changed_is_read_with_an_overlap(org: Organisation, tmp_path: Path) -> None:
    """Up to a fixed bound by Salesforce's clock; what a long transaction commits late is not missed, nothing is doubled."""
    with home_of(org, tmp_path) as (home, obj):
        pull(home, obj)
        org.now = datetime(2026, 3, 3, 12, 30, tzinfo=UTC)
        org.tasks[0] = task("00T0", "12:10:00", Subject="Changed")
        org.tasks.append(task("00T5", "11:55:00"))  # committed after 12:00, stamped before
        result = pull(home, obj)
        assert (result.counts.read, result.counts.updated, result.counts.inserted) == (2, 1, 1)
        assert "SystemModstamp >= 2026-03-03T11:50:00Z AND SystemModstamp < 2026-03-03T12:30:00Z" in org.queries[-1]
        assert pull(home, obj).counts.read == 0
        assert rows(home, obj)["00T0"]["subject"] == "Changed"


def test_what_changes_meanwhile_is_the_next_readings(org: Organisation, tmp_path: Path) -> None:
    """A record at the bound or after it is not read, and not skipped."""
    org.tasks.append(task("00T9", "12:00:00"))
    with home_of(org, tmp_path) as (home, obj):
        assert pull(home, obj).counts.inserted == 5
        org.now = datetime(2026, 3, 3, 12, 0, 1, tzinfo=UTC)
        assert pull(home, obj).counts.inserted == 1


def test_deleted_merged_and_restored_records(org: Organisation, tmp_path: Path) -> None:
    """A deletion is a version, and so is what comes back from the recycle bin."""
    with home_of(org, tmp_path) as (home, obj):
        pull(home, obj)
        org.now = datetime(2026, 3, 3, 13, tzinfo=UTC)
        org.tasks[1] = task("00T1", "12:30:00", IsDeleted=True)
        assert pull(home, obj).counts.deleted == 1
        assert sorted(rows(home, obj)) == ["00T0", "00T2", "00T3", "00T4"]
        org.now = datetime(2026, 3, 3, 14, tzinfo=UTC)
        org.tasks[1] = task("00T1", "13:30:00")
        pull(home, obj)
        assert "00T1" in rows(home, obj)


def test_what_was_deleted_for_good_is_listed_apart(org: Organisation, tmp_path: Path) -> None:
    """Hard deletes show in no query; only what spans 15 days can be listed, and never before the first reading."""
    org.deleted = [("00T9", stamp("11:59:00"))]
    with home_of(org, tmp_path) as (home, obj):
        pull(home, obj)
        assert not any(call.path.endswith("/deleted/") for call in org.calls)
        org.now = datetime(2026, 4, 3, 12, tzinfo=UTC)
        org.deleted = [("00T2", "2026-04-01T00:00:00.000+0000"), ("00T3", "2026-03-10T00:00:00.000+0000")]
        del org.tasks[2]
        pull(home, obj)
        assert sorted(rows(home, obj)) == ["00T0", "00T1", "00T3", "00T4"]
        (asked,) = [call.query for call in org.calls if call.path.endswith("/deleted/")]
        assert (asked["start"][:19], asked["end"][:19]) == ("2026-03-19T12:01:00", "2026-04-03T12:00:00")
        assert pull(home, obj).counts.read == 0


@pytest.mark.parametrize(("archived", "count"), [(True, 6), (False, 5)])
def test_archived_records_are_read_unless_they_are_left_out(
    archived: bool, count: int, org: Organisation, tmp_path: Path
) -> None:
    """Old tasks vanish from plain queries."""
    org.tasks.append(task("00T9", "08:00:00", IsArchived=True))
    with home_of(org, tmp_path, archived=archived) as (home, obj):
        assert pull(home, obj).counts.inserted == count


def test_a_condition_of_ones_own(org: Organisation, tmp_path: Path) -> None:
    """In parentheses, so that an OR in it changes nothing else."""
    org.tasks[0]["IsClosed"] = False
    with home_of(org, tmp_path, where="IsClosed = true", fields=("Subject", "CreatedDate", "Id", "SystemModstamp")) as (
        home,
        obj,
    ):
        assert pull(home, obj).counts.inserted == 4
        assert rows(home, obj)["00T1"]["call_s"] is None


@pytest.mark.parametrize("api", ["rest", "bulk"])
def test_a_reading_that_was_stopped_goes_on(api: Any, org: Organisation, tmp_path: Path) -> None:
    """Behind the last durable record, or at the page of the job; nothing is doubled."""
    down = [error(503, "SERVER_UNAVAILABLE", "busy")] * 10
    with home_of(org, tmp_path, api=api) as (home, obj):
        org.failures = {"01g-1-1": down, "results": [*[Reply(b"skipped", 500)] * 0]}
        real = org._bulk
        if api == "bulk":
            org._bulk = lambda call, last: Reply(status=503) if call.query.get("locator") == "4" else real(call, last)  # type: ignore[method-assign]
        with pytest.raises(TransientError):
            pull(home, obj)
        assert len(rows(home, obj)) == 4
        org.failures, org._bulk = {}, real  # type: ignore[method-assign]
        assert pull(home, obj).counts.inserted == 1
        assert len(rows(home, obj)) == 5
    if api == "rest":
        assert (
            "(SystemModstamp > 2026-03-03T10:03:00.000Z OR (SystemModstamp = 2026-03-03T10:03:00.000Z AND Id > '00T3'))"
            in org.queries[1]
        )


def test_a_job_that_is_gone_is_begun_again(org: Organisation, tmp_path: Path) -> None:
    """Salesforce removes jobs after seven days."""
    real = org._bulk
    org._bulk = lambda call, last: Reply(status=503) if call.query.get("locator") else real(call, last)  # type: ignore[method-assign]
    with home_of(org, tmp_path, api="bulk") as (home, obj):
        with pytest.raises(TransientError):
            pull(home, obj)
        org._bulk = real  # type: ignore[method-assign]
        org.jobs.clear()
        assert pull(home, obj).counts.inserted == 3
        assert len(rows(home, obj)) == 5


def test_a_job_that_failed_says_why(org: Organisation, tmp_path: Path) -> None:
    """With Salesforce's own reason."""
    org.failures = {"7500": [Reply({"state": "Failed", "errorMessage": "InvalidBatch: no such column"})]}
    with (
        home_of(org, tmp_path, api="bulk") as (home, obj),
        pytest.raises(TerminalError, match=r"ended as Failed \(InvalidBatch: no such column\)"),
    ):
        pull(home, obj)


def test_the_share_of_the_daily_calls_is_kept(org: Organisation, tmp_path: Path) -> None:
    """The rest is left to others; the next run goes on."""
    org.used_calls = 799
    with home_of(org, tmp_path) as (home, obj):
        pull(home, obj)
        org.used_calls = 800
        with pytest.raises(TransientError, match=r"800 of the 1,000 API calls .* source.api_percent_max is 80"):
            pull(home, obj)


def test_an_expired_session_is_replaced_once(org: Organisation, tmp_path: Path) -> None:
    """Tokens end; a token that is never accepted is an error."""
    expired = error(401, "INVALID_SESSION_ID", "Session expired or invalid")
    org.failures = {"queryAll": [expired]}
    with home_of(org, tmp_path) as (home, obj):
        assert pull(home, obj).counts.inserted == 5
        assert org.tokens == 2
        org.failures = {"describe": [expired] * 2}
        with pytest.raises(TerminalError, match="does not accept the session"):
            pull(home, obj)


@pytest.mark.parametrize(("failures", "fault", "message"), [
    ({"queryAll": [error(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")]}, TransientError, "REQUEST_LIMIT_EXCEEDED"),
    ({"queryAll": [error(400, "MALFORMED_QUERY", "unexpected token")]}, TerminalError, "unexpected token.*: correct source.where"),
    ({"describe": [error(403, "API_DISABLED_FOR_ORG", "API is not enabled")]}, TerminalError, "the edition has no API"),
    ({"token": [Reply({"error": "invalid_client"}, 400)]}, TerminalError, r"refused the login .* \(invalid_client\): check client_id"),
    ({"token": [Reply(status=503)] * 10}, TransientError, "answered the login with 503"),
])  # fmt: skip
def test_a_refusal_says_what_to_do(failures: Any, fault: Any, message: str, org: Organisation, tmp_path: Path) -> None:
    """With Salesforce's code; no secret and no token is shown."""
    org.failures = failures
    with home_of(org, tmp_path) as (home, obj), pytest.raises(fault, match=message) as caught:
        pull(home, obj)
    shown = "".join(traceback.format_exception(caught.value))
    assert CLIENT["client_secret"] not in shown
    assert "Bearer" not in shown


def test_a_field_that_is_not_there_is_named(org: Organisation, tmp_path: Path) -> None:
    """And one that is like it."""
    org.fields = {name: type_ for name, type_ in FIELDS.items() if name != "Amount__c"} | {"Amount2__c": "currency"}
    with (
        home_of(org, tmp_path) as (home, obj),
        pytest.raises(TerminalError, match=r"no field Amount__c that this user can see.* Did you mean Amount2__c\?"),
    ):
        pull(home, obj)


def test_an_unknown_object_is_named(org: Organisation, tmp_path: Path) -> None:
    """With what to do."""
    with (
        home_of(org, tmp_path, sobject="Tsk") as (home, obj),
        pytest.raises(TerminalError, match="refused Tsk .* correct source.sobject"),
    ):
        pull(home, obj)


@pytest.mark.parametrize(("secret", "message"), [
    ('{"client_id": "app"}', "the secret env:SF has no client_secret: store the connected app's"),
    ("hunter2", "the secret env:SF is not a JSON object"),
])  # fmt: skip
def test_a_secret_of_another_form(
    secret: str, message: str, org: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it must be, without anything of it."""
    monkeypatch.setenv("SF", secret)
    with pytest.raises(UsageError, match=message) as caught:
        describe_object(origin_of(org))
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_an_object_is_described(org: Organisation) -> None:
    """As Salesforce describes it, for a declaration that is made from it."""
    assert {field["name"]: field["type"] for field in describe_object(origin_of(org))["fields"]} == FIELDS
