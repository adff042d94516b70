"""The faults of the document's stream processor: each is shown in its own code, and that ours does not have it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from dynamo_tables import ANALYTICS, QUOTED, arn, call, change, event, objects_in, ours, rows, scorecard, the_documents
from homes import letters, opened
from s3 import bucket

from trunkline.errors import UsageError


@pytest.fixture
def theirs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The document's handler, and a client that sees what it has written."""
    monkeypatch.setenv("ANALYTICS_BUCKET", ANALYTICS)
    monkeypatch.setenv("TRANSCRIBE_BUCKET", ANALYTICS)
    with bucket(ANALYTICS) as client:
        module = the_documents()
        module.client = client  # type: ignore[attr-defined]
        yield module


def written(theirs: Any, table: str = "calls") -> list[dict[str, Any]]:
    """The rows that the document's code has put."""
    bodies = objects_in(theirs.client, ANALYTICS, f"{table}/").values()
    return [json.loads(line) for body in bodies for line in body.decode().splitlines()]


def test_flaw_1_a_number_with_an_exponent_is_not_lost(theirs: Any, tmp_path: Path) -> None:
    """`int('1E5')` drops the record and reports success; ours reads 100000, and sets aside what is no number."""
    good, bad = change(1, new=call("a", siteId={"N": "1E5"})), change(2, new=call("b", siteId={"N": "five"}))
    assert theirs.lambda_handler(event(good), None) == {"statusCode": 200, "processed": 0}
    assert written(theirs) == []
    with ours(tmp_path) as handler:
        answer = handler(event(good, bad))
    assert (answer["statusCode"], answer["processed"], answer["set_aside"]) == (200, 1, 1)
    (row,) = rows(tmp_path)
    assert row["site_id"] == 100_000
    with opened(tmp_path, pii="drop") as home:
        (letter,) = letters(home, home.objects["call"])
    assert (letter.reason, letter.detail) == ("wrong_type", "attribute payload.siteId: N must be a number")


def test_flaw_2_no_digit_of_a_number_is_lost(theirs: Any, tmp_path: Path) -> None:
    """A float rounds after 17 digits; ours keeps 38, in columns, in skills nobody foresaw, and in unknown fields."""
    exact, long = "0.1234567890123456789", "12345678901234567890.123456789012345678"
    card = scorecard(
        "g", overallScore={"N": exact}, weights={"NS": [long, exact]},
        scores={"M": {"empathy": {"M": {"score": {"N": exact}, "evidence": {"S": "e"}, "weight": {"N": long}}}}},
    )  # fmt: skip
    theirs.lambda_handler(event(change(1, new=card, stream=arn("scorecards"))), None)
    assert [row["overall_score"] for row in written(theirs, "scorecards")] == [0.12345678901234568]
    with ours(tmp_path) as handler:
        handler(event(change(1, new=card, stream=arn("scorecards"))))
    (row,) = rows(tmp_path, "scorecard")
    assert row["overall_score"] == row["other_scores"]["empathy"] == Decimal(exact)
    assert row["other_evidence"] == {"empathy": "e"}
    assert row["record_unmapped"] == f'{{"scores.empathy":{{"weight":{long}}},"weights":{{"NS":[{exact},{long}]}}}}'


def test_flaw_3_binary_values_and_numeric_ids_are_kept(theirs: Any, tmp_path: Path) -> None:
    """B and BS become None and a numeric callId drops the call; ours keeps all three."""
    item = call("a", blob={"B": "aGVsbG8="}, blobs={"BS": ["aGVsbG8="]})
    numeric = {**call("x"), "callId": {"N": "12345678901234567890123456789012345678"}}
    assert theirs.deserialize_dynamodb_value({"B": "aGVsbG8="}) is None
    assert theirs.lambda_handler(event(change(1, new=numeric)), None)["processed"] == 0
    with ours(tmp_path) as handler:
        assert handler(event(change(1, new=numeric), change(2, new=item)))["processed"] == 2
    first, second = rows(tmp_path)
    assert first["call_id"] == "12345678901234567890123456789012345678"
    assert second["record_unmapped"] == '{"payload.blob":{"B":"aGVsbG8="},"payload.blobs":{"BS":["aGVsbG8="]}}'


def test_flaw_4_a_retried_batch_and_a_changed_call_are_one_row(theirs: Any, tmp_path: Path) -> None:
    """The same event twice makes 4 rows of 2 in the document's lake; ours puts the same object and one row a call."""
    given = event(change(1, new=call("a")), change(2, "MODIFY", call("a", agentName={"S": "Bob"}), call("a")))
    for _ in range(2):
        theirs.lambda_handler(given, None)
    assert len(written(theirs)) == 4
    with ours(tmp_path) as handler:
        for _ in range(2):
            handler(given)
    assert len(list((tmp_path / "lake" / "calls").rglob("*.parquet"))) == 1
    assert [(row["call_id"], row["agent_name"]) for row in rows(tmp_path)] == [("a", "Bob")]


def test_flaw_4_two_shards_at_one_instant_lose_nothing(
    theirs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys from the wall clock overwrite each other; ours come from positions and events, also where those are alike."""

    class Stopped(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime(2026, 2, 11, tzinfo=tz)

    first, second = change(1, new=call("a")), change(1, new=call("b"), eventID="other shard")
    monkeypatch.setattr(theirs, "datetime", Stopped)
    for one in (first, second):
        theirs.lambda_handler(event(one), None)
    assert [row["call_id"] for row in written(theirs)] == ["b"]
    with ours(tmp_path) as handler:
        for one in (first, second):
            handler(event(one))
    assert [row["call_id"] for row in rows(tmp_path)] == ["a", "b"]


def test_flaw_8_a_table_is_recognised_by_whole_words(theirs: Any, tmp_path: Path) -> None:
    """`recalls-scorecards` goes to calls by substring; ours takes ARNs, exact names and whole words of a name."""
    cards, table = arn("recalls-scorecards"), arn("recalls-scorecards").partition("/stream/")[0]
    given = event(change(1, new=scorecard("g"), stream=cards))
    assert theirs.lambda_handler(given, None)["processed"] == 0
    assert written(theirs, "scorecards") == []
    unknown = event(change(1, new=call("c"), stream=arn("recalls")))
    with ours(tmp_path) as handler, pytest.raises(UsageError, match="the DynamoDB table 'recalls' fits no object"):
        handler(unknown)
    with ours(tmp_path, TRUNKLINE_DYNAMODB_TABLES=f"recalls-scorecards=call,{table}=scorecard") as handler:
        assert handler(given)["processed"] == 1
    assert [row["guid"] for row in rows(tmp_path, "scorecard")] == ["g"]


def test_flaw_9_a_removed_call_goes_and_what_is_unknown_is_null(theirs: Any, tmp_path: Path) -> None:
    """Removed calls live for ever, NULL becomes 'None' and a missing id 0; ours deletes, and unknown is NULL."""
    item = call("a", queueId={"NULL": True}, siteId=..., tenantId=...)
    given = event(change(1, new=item), change(2, new=call("b")), change(3, "REMOVE", old=call("b")))
    theirs.lambda_handler(given, None)
    first, second = written(theirs)
    assert (first["queue_id"], first["site_id"], first["tenant_id"], second["call_id"]) == ("None", 0, 0, "b")
    with ours(tmp_path) as handler:
        handler(given)
    (row,) = rows(tmp_path)
    assert (row["call_id"], row["queue_id"], row["site_id"], row["tenant_id"]) == ("a", None, None, None)


@pytest.mark.parametrize(("deletes", "left"), [("all", []), ("users", ["ttl"]), ("none", ["ttl", "user"])])
def test_flaw_9_the_documents_own_rule_can_be_had(tmp_path: Path, deletes: str, left: list[str]) -> None:
    """With `dynamodb_deletes = none` removals are left out and counted; with `users` those by time to live alone."""
    ttl = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    with ours(tmp_path, TRUNKLINE_DYNAMODB_DELETES=deletes) as handler:
        answer = handler(event(
            change(1, new=call("ttl")), change(2, new=call("user")),
            change(3, "REMOVE", old=call("ttl"), userIdentity=ttl), change(4, "REMOVE", old=call("user")),
        ))  # fmt: skip
    assert answer["filtered"] == len(left)
    assert [row["call_id"] for row in rows(tmp_path)] == left


def test_flaw_10_the_day_is_utc_and_both_tables_agree(theirs: Any, tmp_path: Path) -> None:
    """23:30-05:00 is filed under the sender's day; ours under UTC's, and a scorecard's local time by its zone."""
    item, card = call("a", "2026-02-11T23:30:00-05:00"), scorecard("g", "2026-02-11T23-30-00")
    unknown = call("u", "yesterday")
    theirs.lambda_handler(event(change(1, new=item), change(2, new=unknown)), None)
    assert [(row["month"], row["day"]) for row in written(theirs)] == [("02", "11"), ("unknown", "unknown")]
    with ours(tmp_path, TRUNKLINE_SCORECARD_ZONE="America/New_York") as handler:
        answer = handler(event(change(1, new=item), change(2, new=unknown)))
        handler(event(change(3, new=card, stream=arn("scorecards"))))
    assert (answer["processed"], answer["set_aside"]) == (2, 0)
    days = {"/".join(path.parts[-5:-1]) for path in (tmp_path / "lake").rglob("*.parquet")}
    dated = {f"{table}/year=2026/month=02/day=12" for table in ("calls", "scorecards")}
    assert days == dated | {"calls/year=1970/month=01/day=01"}


def test_flaw_11_the_day_is_in_the_path_alone(theirs: Any, tmp_path: Path) -> None:
    """Year, month and day in the file and in the path are one column twice for Athena; ours has them in the path."""
    import duckdb

    theirs.lambda_handler(event(change(1, new=call("a"))), None)
    assert {"year", "month", "day"} <= written(theirs)[0].keys()
    with ours(tmp_path) as handler:
        handler(event(change(1, new=call("a"))))
    (path,) = (tmp_path / "lake" / "calls").rglob("*.parquet")
    columns = duckdb.sql(f"DESCRIBE FROM read_parquet('{path}', hive_partitioning = false)").fetchall()
    assert not {"year", "month", "day"} & {name for name, *_ in columns}


def test_flaw_12_their_backfill_dies_at_its_first_line(tmp_path: Path) -> None:
    """It imports the handler before it sets what that reads. Ours: see tests/pipelines/test_backfill.py."""
    for name in ("handler", "backfill"):
        (tmp_path / f"{name}.py").write_text((QUOTED / f"{name}.py.txt").read_text())
    done = subprocess.run(
        [sys.executable, "backfill.py", "--table", "calls"], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={"AWS_DEFAULT_REGION": "us-east-1"},
    )  # fmt: skip
    assert done.returncode == 1
    assert "KeyError: 'ANALYTICS_BUCKET'" in done.stderr


def test_flaw_13_the_lake_is_real_parquet(theirs: Any, tmp_path: Path) -> None:
    """A hundred calls take a sixth of the bytes of the document's uncompressed JSON."""
    given = event(*(change(n, new=call(f"call-{n}", f"2026-02-11T14:{n % 60:02}:19Z")) for n in range(1_000)))
    theirs.lambda_handler(given, None)
    (json_bytes,) = (len(body) for body in objects_in(theirs.client, ANALYTICS, "calls/").values())
    with ours(tmp_path) as handler:
        handler(given)
    (path,) = (tmp_path / "lake" / "calls").rglob("*.parquet")
    assert path.read_bytes()[:4] == b"PAR1"
    assert path.stat().st_size * 6 < json_bytes


def test_flaw_14_the_old_image_files_a_removal_under_its_day(theirs: Any, tmp_path: Path) -> None:
    """The document asks for old images and drops them; ours finds the removed row's day by them, without a lookup."""
    removal = change(1, "REMOVE", old=call("a"), keys={"callId": {"S": "a"}})
    assert theirs.lambda_handler(event(removal), None)["processed"] == 0
    with ours(tmp_path) as handler:
        assert handler(event(removal))["processed"] == 1
    (path,) = (tmp_path / "lake" / "calls").rglob("*.parquet")
    assert path.parts[-4:-1] == ("year=2026", "month=02", "day=11")
