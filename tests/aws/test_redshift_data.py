"""The Data API client against the emulator and a real PostgreSQL, over plain boto3."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

pytest.importorskip("psycopg", reason="psycopg is not installed")

import boto3
from botocore.exceptions import ClientError
from redshift_data_emulator import Fault

from trunkline.aws.clients import make_client
from trunkline.aws.errors import RefusedError
from trunkline.aws.redshift_data import DataApi, RedshiftTarget, SqlError, StatementTimeoutError
from trunkline.errors import TransientError, UsageError


def test_a_statement_runs_and_gives_rows_page_by_page(api, endpoint) -> None:
    """Every page, in order, NULL as None, decimals and times as text, values bound."""
    endpoint.page_rows = 3
    sql = "SELECT n, n::numeric(10,2) / 4, NULL, :word || '', n > 5, make_timestamp(2026, 1, 2, 3, 4, 5) FROM generate_series(1, 10) n"
    seen = api.run(sql, "t1", {"word": "it's; :x -- "})
    assert (seen.status, seen.has_result, seen.rows) == ("FINISHED", True, 10)
    rows = list(api.rows(seen.id))
    assert [row[0] for row in rows] == list(range(1, 11))
    assert rows[0][1:] == ("0.25000000000000000000", None, "it's; :x -- ", False, "2026-01-02 03:04:05")
    assert seen.duration_ms is not None
    assert 0 < seen.duration_ms < 10_000


def test_a_sql_error_is_an_exception_with_its_text(api) -> None:
    """The API reports a failed statement as a result; waiting for its end raises."""
    with pytest.raises(SqlError, match='relation "nowhere" does not exist') as caught:
        api.run("SELECT * FROM nowhere", "t1")
    assert api.describe(caught.value.statement_id).status == "FAILED"
    with pytest.raises(SqlError, match='database "other" does not exist'):
        DataApi(api.client, RedshiftTarget("other", "analytics")).run("SELECT 1", "t2")


def test_one_token_is_one_statement(api, endpoint, query) -> None:
    """The same request under one token: one id, one effect. Another request is refused; after 8 hours the token is new."""
    ids = {api.execute("INSERT INTO done (name) VALUES (:n)", "t1", {"n": "a"}) for _ in range(3)}
    assert len(ids) == 1
    api.wait_for(ids.pop(), 5)
    assert query("SELECT count(*) FROM done") == [(1,)]
    with pytest.raises(RefusedError, match="another request"):
        api.execute("INSERT INTO done (name) VALUES (:n)", "t1", {"n": "b"})
    endpoint.skew = timedelta(hours=8, minutes=1)
    api.run("INSERT INTO done (name) VALUES (:n)", "t1", {"n": "a"})
    assert query("SELECT count(*) FROM done") == [(2,)]


@pytest.mark.parametrize("kind", ["drop", "error", "throttle", "lose"])
def test_a_lost_answer_is_retried_and_runs_once(kind, api, endpoint, query) -> None:
    """boto3 retries twice under our token: one effect, whether or not the first try was accepted."""
    endpoint.faults = [Fault("ExecuteStatement", kind, times=2)]
    api.run("INSERT INTO done (name) VALUES ('a')", "t1")
    assert [name for name, _ in endpoint.requests].count("ExecuteStatement") == 3
    assert query("SELECT count(*) FROM done") == [(1,)]


def test_persistent_throttling_is_transient_and_a_refusal_is_not(api, endpoint) -> None:
    """By code, since ThrottlingException is not in botocore's model."""
    endpoint.faults = [Fault("ExecuteStatement", "throttle", times=9)]
    with pytest.raises(TransientError, match="ThrottlingException"):
        api.execute("SELECT 1", "t1")
    endpoint.faults = [Fault("ExecuteStatement", "refuse")]
    with pytest.raises(RefusedError, match="AccessDenied"):
        api.execute("SELECT 1", "t1")
    with pytest.raises(RefusedError, match="endpoint doesn't exist"):
        DataApi(api.client, RedshiftTarget("dev", "other")).execute("SELECT 1", "t1")


def test_polling_survives_failed_polls(api, endpoint) -> None:
    """A failed poll says nothing about the statement."""
    endpoint.faults = [Fault("DescribeStatement", "throttle", times=4)]
    assert api.run("SELECT 1", "t1", timeout_s=20).status == "FINISHED"


def test_polls_wait_on_the_server(api, endpoint) -> None:
    """A second of work is one or two polls, not many."""
    api.run("SELECT pg_sleep(1)", "t1")
    polls = [request for name, request in endpoint.requests if name == "DescribeStatement"]
    assert len(polls) <= 2
    assert 1 <= polls[0]["WaitTimeSeconds"] <= 8  # under the read timeout of 10 s


def test_a_statement_that_takes_too_long_is_cancelled(api, query) -> None:
    """The statement ends in the database too, without an effect."""
    begun = time.monotonic()
    with pytest.raises(StatementTimeoutError, match="ABORTED"):
        api.run("CALL connect.slow(30)", "t1", timeout_s=0.5)
    assert time.monotonic() - begun < 10
    assert query(
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%slow%' AND state = 'active' AND pid <> pg_backend_pid()"
    ) == [(0,)]
    assert query("SELECT * FROM done") == []
    finished = api.run("SELECT 1", "t2")
    assert api.cancel(finished.id).status == "FINISHED"


def test_a_batch_commits_together_or_not_at_all(api, query) -> None:
    """One failure rolls all of it back, and the error says which."""
    insert = "INSERT INTO done (name) VALUES (:n)"
    assert len(api.wait_for(api.batch([insert, insert], "t1", {"n": "a"}), 5).parts) == 2
    with pytest.raises(SqlError, match="Query #2 failed with ERROR: division by zero"):
        api.wait_for(api.batch([insert, "SELECT 1/0 WHERE :n = 'a'"], "t2", {"n": "a"}), 5)
    assert query("SELECT count(*) FROM done") == [(2,)]
    for count in (0, 41):
        with pytest.raises(UsageError, match="takes 1 to 40"):
            api.batch(["SELECT 1"] * count, "t3")


def test_a_statement_is_found_by_its_name_among_pages(api, endpoint) -> None:
    """Exactly this name, though the API lists by prefix; the latest of several; None where there is none."""
    endpoint.page_rows = 2
    for n in range(5):
        api.run("SELECT 1", f"x{n}", name=f"load-{n}0")
    wanted = api.run("SELECT 1", "a", name="load-1")
    assert api.find("load-1") == wanted.id
    assert api.find("load") is None


def test_limits_are_checked_before_a_request(api, endpoint) -> None:
    """200 KB with values; empty values, which the API cannot bind."""
    with pytest.raises(UsageError, match="the Data API takes 200,000"):
        api.execute("SELECT :a", "t1", {"a": "x" * 200_000})
    with pytest.raises(UsageError, match="binds no empty text"):
        api.execute("SELECT :a", "t1", {"a": ""})
    assert endpoint.requests == []


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"Parameters": [{"name": "a", "value": "x"}]}, "unused"),
        ({"Sql": "SELECT :a, :b", "Parameters": [{"name": "a", "value": "x"}]}, "not listed"),
        ({"Sql": "SELECT ':a', :a", "Parameters": [{"name": "a", "value": "x"}]}, "inside quotes"),
        ({"Sql": "SELECT 1 --" + "x" * 200_000}, "200 KB"),
        ({"ClientToken": "x" * 65}, "outside"),
        ({"ClusterIdentifier": "No-Such_Name"}, "match"),
        ({"Database": None}, "database"),
    ],
)
def test_the_emulator_enforces_the_rules_of_the_service(request_, message, endpoint) -> None:
    """What boto3 accepts and the service refuses is refused here too."""
    client = boto3.client("redshift-data", region_name="us-east-1")
    whole = {"ClusterIdentifier": "analytics", "Database": "dev", "Sql": "SELECT 1", **request_}
    with pytest.raises(ClientError, match=message):
        client.execute_statement(**{key: value for key, value in whole.items() if value is not None})
    assert endpoint.executed() == []
    client.close()


def test_the_emulator_runs_one_statement_at_a_time(api, query) -> None:
    """A second statement in one request runs nothing."""
    with pytest.raises(SqlError, match="multiple commands"):
        api.run("INSERT INTO done (name) VALUES ('a'); INSERT INTO done (name) VALUES ('b')", "t1")
    assert query("SELECT * FROM done") == []


def test_the_timeouts_of_the_client() -> None:
    """Connect 10 s, read 10 s, 2 retries."""
    client = make_client("redshift-data", "us-east-1")
    config = client.meta.config
    assert (config.connect_timeout, config.read_timeout, config.retries["total_max_attempts"]) == (10, 10, 3)
    client.close()
