"""The function `stream_processor`: what it answers, and what Lambda is told to deliver again."""

from __future__ import annotations

import json
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from dynamo_tables import ANALYTICS, FIRST_SEQUENCE, arn, call, change, event, objects_in, ours, rows, scorecard
from homes import letters, opened, settings_of
from s3 import bucket
from transcript_files import TALK, transcribe

from trunkline.errors import TerminalError, UsageError
from trunkline.handlers import stream_processor
from trunkline.lake.store import FolderStore, open_store
from trunkline.ledger import index
from trunkline.objects.catalogue import OBJECTS
from trunkline.pipelines.home import LakeHome
from trunkline.pipelines.jobs.load import load, replay
from trunkline.pipelines.post_call.arrivals import ChangeProcessor, TranscriptReceiver, TranscriptSearch
from trunkline.sources.files import listing


def test_the_documents_environment_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """With ANALYTICS_BUCKET alone rows lie in the document's layout in that bucket, and the answer has its fields."""
    monkeypatch.setenv("ANALYTICS_BUCKET", ANALYTICS)
    monkeypatch.setenv("TRANSCRIBE_BUCKET", "transcripts")
    with bucket(ANALYTICS) as client:
        stream_processor._processor.cache_clear()
        answer = stream_processor.handler(event(change(1, new=call("a")), change(2, new=call("b"))), None)
        found = objects_in(client, ANALYTICS, "calls/")
    stream_processor._processor.cache_clear()
    assert answer == {"statusCode": 200, "processed": 2, "filtered": 0, "set_aside": 0, "batchItemFailures": []}
    ((key, body),) = found.items()
    assert key.startswith("calls/year=2026/month=02/day=11/")
    assert body[:4] == b"PAR1"


def test_the_documents_two_variables_find_the_transcripts_of_calls(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each new call's transcript is looked for once in TRANSCRIBE_BUCKET: what is there is loaded, a miss is recorded."""
    monkeypatch.setenv("ANALYTICS_BUCKET", ANALYTICS)
    monkeypatch.setenv("TRANSCRIBE_BUCKET", "recordings")
    old = call("removed")
    del old["callTimestampUTC"]
    with bucket(ANALYTICS) as client:
        client.create_bucket(Bucket="recordings")
        body = json.dumps(transcribe(TALK, "channel")).encode()
        for name in ("there", "removed", "other"):
            client.put_object(Bucket="recordings", Key=f"transcripts/{name}.json", Body=body)
        searched: list[str] = []
        client.meta.events.register(
            "provide-client-params.s3.HeadObject", lambda params, **_: searched.append(params["Key"])
        )
        stream_processor._processor.cache_clear()
        delivered = event(
            change(1, new=call("there")), change(2, new=call("missing")), change(3, "REMOVE", old=old),
            change(4, "MODIFY", new=with_time("undated", {"S": "soon"})),
        )  # fmt: skip
        assert stream_processor.handler(delivered, None)["processed"] == 4
        stream_processor._processor.cache_clear()
        missing = [json.loads(body) for body in objects_in(client, ANALYTICS, "_ledger/asked/").values()]
        assert sorted(name for day in missing for name in day) == ["missing", "undated"]
        with opened(tmp_path, lake=f"s3://{ANALYTICS}", pii="drop") as home:
            for name in ("call", "transcript"):
                load(home, home.objects[name], [])
            answers = home.con.execute(
                "SELECT call_id, call_duration_seconds, answer_type FROM post_call_analytics.calls"
            )
            assert sorted(answers.fetchall()) == [
                ("missing", None, "Unknown"), ("there", 40, "Human"), ("undated", None, "Unknown"),
            ]  # fmt: skip


def test_a_call_that_changes_is_searched_again_only_when_it_is_due(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A miss is recorded, so that a busy item does not cost a request for each of its changes."""
    searched: list[str] = []
    monkeypatch.setattr(listing, "find", lambda url, client=None: searched.append(url))
    with ours(tmp_path) as handler:
        handler(event(change(1, new=call("a"))))
        assert len(searched) > 0
        searched.clear()
        handler(event(change(2, "MODIFY", new=call("a")), change(3, "MODIFY", new=call("a", agentName={"S": "x"}))))
        assert searched == []


def test_a_slow_transcript_store_does_not_hold_the_shard_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The calls are in the lake, and so are those of the next event, while the store has not answered yet."""
    answers = threading.Event()
    monkeypatch.setattr(listing, "find", lambda url, client=None: (answers.wait(30), None)[1])
    settings = settings_of(tmp_path, pii="drop", transcripts=f"file://{tmp_path}/recordings")
    lake = LakeHome(settings, open_store(settings.lake), tmp_path / "scratch")
    processor = ChangeProcessor(lake, OBJECTS, TranscriptSearch(TranscriptReceiver(lake, None), wait_s=0.1))
    warnings: list[str] = []
    try:
        for number in (1, 2):
            assert processor.process([change(number, new=call(f"c{number}"))], warnings.append).accepted == 1
    finally:
        answers.set()
    assert len(warnings) == 2
    assert "has not answered within 0.1 s" in warnings[0]
    assert "not searched now" in warnings[1]


def test_a_transcript_store_that_fails_costs_no_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    """No permission or no bucket is a warning, nothing is recorded as missing, and `enrich` looks for the call."""

    def denied(url: str, client: Any = None) -> None:
        raise TerminalError("AWS denied HeadObject")

    monkeypatch.setattr(listing, "find", denied)
    with ours(tmp_path) as handler:
        assert handler(event(change(1, new=call("a"))))["processed"] == 1
    assert "their transcripts were not searched: AWS denied HeadObject" in caplog.text
    assert not (tmp_path / "lake" / "_ledger" / "asked").exists()


def with_time(call_id: str, given: dict[str, Any] | None) -> dict[str, Any]:
    item = call(call_id)
    if given is None:
        del item["callTimestampUTC"]
    else:
        item["callTimestampUTC"] = given
    return item


UNUSABLE_TIMES: dict[str, dict[str, Any] | None] = {
    "absent": None, "null": {"NULL": True}, "words": {"S": "yesterday"}, "empty": {"S": ""}, "epoch": {"N": "1770820459"},
    "no_such_day": {"S": "2026-02-30T10:00:00Z"}, "old": {"S": "0001-01-01T00:00:00+14:00"}, "future": {"S": "2099-12-31T00:00:00Z"},
    "map": {"M": {"at": {"S": "2026"}}},
}  # fmt: skip


def test_a_call_without_a_usable_timestamp_is_kept_undated(tmp_path: Path) -> None:
    """Its row has no time and lies in the undated partition; what the item had for a time is in `record_unmapped`."""
    changes = [change(n, new=with_time(name, given)) for n, (name, given) in enumerate(UNUSABLE_TIMES.items())]
    with ours(tmp_path) as handler:
        answer = handler(event(*changes, change(99, new=call("dated"))))
    assert (answer["processed"], answer["set_aside"]) == (len(UNUSABLE_TIMES) + 1, 0)
    found = {row["call_id"]: row for row in rows(tmp_path)}
    assert found.keys() == {*UNUSABLE_TIMES, "dated"}
    for name, given in UNUSABLE_TIMES.items():
        assert found[name]["call_timestamp_utc"] is None
        kept = json.loads(found[name]["record_unmapped"] or "{}").get("trunkline:unusable", {})
        assert ("callTimestampUTC" in kept) == (given is not None and "NULL" not in given)
    assert json.loads(found["words"]["record_unmapped"])["trunkline:unusable"] == {"callTimestampUTC": "yesterday"}
    assert found["dated"]["call_timestamp_utc"] is not None


def test_a_scorecard_without_usable_times_is_kept_undated(tmp_path: Path) -> None:
    """Its `datetime` stays the text that it is, and a time of ingestion that is none is kept."""
    changes = [
        change(1, new=scorecard("words", at="soon", ingestedAt={"S": "later"}), stream=arn("scorecards")),
        change(2, new=scorecard("future", at="2099-10-08T14-34-19"), stream=arn("scorecards")),
        change(3, new=scorecard("day", at="2025-13-08T14-34-19"), stream=arn("scorecards")),
    ]
    with ours(tmp_path) as handler:
        answer = handler(event(*changes))
    assert (answer["processed"], answer["set_aside"]) == (3, 0)
    found = {row["guid"]: row for row in rows(tmp_path, "scorecard")}
    assert {guid: (row["datetime"], row["call_timestamp_utc"]) for guid, row in found.items()} == {
        "words": ("soon", None), "future": ("2099-10-08T14-34-19", None), "day": ("2025-13-08T14-34-19", None),
    }  # fmt: skip
    assert json.loads(found["words"]["record_unmapped"])["trunkline:unusable"] == {"ingestedAt": "later"}


def test_a_missing_bucket_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the first invocation, with the variable's name."""
    stream_processor._processor.cache_clear()
    with pytest.raises(UsageError, match="ANALYTICS_BUCKET is not set"):
        stream_processor.handler(event(change(1, new=call("a"))), None)
    monkeypatch.setenv("ANALYTICS_BUCKET", ANALYTICS)
    monkeypatch.setenv("TRUNKLINE_PII", "hash")
    with pytest.raises(UsageError, match="TRUNKLINE_PII_KEY is not set"):
        stream_processor.handler(event(change(1, new=call("a"))), None)


def test_the_lowest_failed_record_is_returned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one table's rows cannot be put and another's can: Lambda goes on from the lowest of those that failed.

    Numbers of different lengths: 9 is lower than 10.
    """
    put = FolderStore.put_file

    def failing(store: FolderStore, source: Path, key: str) -> None:
        if key.startswith("scorecards/"):
            raise TerminalError("the bucket refuses it")
        put(store, source, key)

    def numbered(number: str, made: dict[str, Any]) -> dict[str, Any]:
        made["dynamodb"]["SequenceNumber"] = number
        return made

    cards = arn("scorecards")
    given = event(
        change(1, new=call("a")),
        numbered("10", change(2, new=scorecard("g"), stream=cards)),
        numbered("9", change(3, new=scorecard("h"), stream=cards)),
        change(4, new=call("b")),
    )
    with ours(tmp_path) as handler:
        with monkeypatch.context() as patch:
            patch.setattr(FolderStore, "put_file", failing)
            answer = handler(given)
            assert (answer["statusCode"], answer["processed"]) == (500, 2)
            assert answer["batchItemFailures"] == [{"itemIdentifier": "9"}]
            with pytest.raises(TerminalError, match="the bucket refuses it"):
                handler(event(*given["Records"][1:3]))
        assert handler(event(*given["Records"][1:]))["processed"] == 3
    assert [row["call_id"] for row in rows(tmp_path)] == ["a", "b"]
    assert [row["guid"] for row in rows(tmp_path, "scorecard")] == ["g", "h"]


@pytest.mark.parametrize("dynamodb", [{}, {"SequenceNumber": "nine"}, {"SequenceNumber": None}, None])
def test_a_failed_record_without_a_number_fails_the_event_with_the_real_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dynamodb: Any
) -> None:
    """Lambda cannot be told where to go on, so it delivers all of it again."""
    put = FolderStore.put_file

    def failing(store: FolderStore, source: Path, key: str) -> None:
        if key.startswith("scorecards/"):
            raise TerminalError("the bucket refuses it")
        put(store, source, key)

    cards = arn("scorecards")
    odd = change(3, new=scorecard("h"), stream=cards) | {"dynamodb": dynamodb}
    given = event(change(1, new=call("a")), change(2, new=scorecard("g"), stream=cards), odd)
    with ours(tmp_path) as handler:
        with monkeypatch.context() as patch:
            patch.setattr(FolderStore, "put_file", failing)
            with pytest.raises(TerminalError, match="the bucket refuses it"):
                handler(given)
        assert handler(given)["processed"] == 2


def test_a_batch_of_poison_alone_succeeds(tmp_path: Path) -> None:
    """All of it is set aside, and the shard goes on."""
    poison = [change(n, new={"callId": {"N": "x"}}) for n in range(3)]
    with ours(tmp_path) as handler:
        answer = handler(event(*poison))
    assert (answer["statusCode"], answer["processed"], answer["set_aside"], answer["batchItemFailures"]) == (
        200,
        0,
        3,
        [],
    )


def test_an_event_of_another_service_is_refused(tmp_path: Path) -> None:
    """Nothing is put, and the message says what it was."""
    with ours(tmp_path) as handler, pytest.raises(UsageError, match="no eventSourceARN"):
        handler({"Records": [{"body": "hello"}]})


def test_a_batch_is_planned_before_its_put_and_the_function_alone_finishes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function that dies between plan and accounting is invoked again; meanwhile a load leaves its batch alone.

    After the day for which Lambda tries, what is left of it is removed.
    """
    put = FolderStore.put_bytes

    def dying(store: FolderStore, data: bytes, key: str, is_private: bool = False) -> None:
        if key.startswith("_ledger/batch/"):
            raise KeyboardInterrupt
        put(store, data, key, is_private)

    delivered = event(change(1, new=call("a")))
    with ours(tmp_path) as handler:
        monkeypatch.setattr(FolderStore, "put_bytes", dying)
        with pytest.raises(KeyboardInterrupt):
            handler(delivered)
        monkeypatch.setattr(FolderStore, "put_bytes", put)
    lake = tmp_path / "lake"
    left = [path for path in lake.rglob("*") if path.is_file() and path.suffix in (".json", ".parquet")]
    monkeypatch.setattr("trunkline.clock.now_naive", lambda: datetime(2026, 2, 12, 14, 0))
    assert rows(tmp_path) == []
    assert [path for path in left if not path.exists()] == []
    with ours(tmp_path) as handler:
        assert handler(delivered)["processed"] == 1
    assert [row["call_id"] for row in rows(tmp_path)] == ["a"]


def test_a_batch_that_is_never_finished_is_dropped_after_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lambda no longer delivers it; a backfill does, and its rows must not stay without an account."""
    put = FolderStore.put_bytes

    def dying(store: FolderStore, data: bytes, key: str, is_private: bool = False) -> None:
        if key.startswith("_ledger/batch/"):
            raise KeyboardInterrupt
        put(store, data, key, is_private)

    with ours(tmp_path) as handler:
        monkeypatch.setattr(FolderStore, "put_bytes", dying)
        with pytest.raises(KeyboardInterrupt):
            handler(event(change(1, new=call("a"))))
        monkeypatch.setattr(FolderStore, "put_bytes", put)
    monkeypatch.setattr("trunkline.clock.now_naive", lambda: datetime(2026, 2, 12, 15, 0))
    assert rows(tmp_path) == []
    assert list((tmp_path / "lake" / "calls").rglob("*.parquet")) == []
    assert list((tmp_path / "lake" / "_ledger" / "plan").rglob("*.json")) == []


def test_a_bisected_batch_sets_a_record_aside_once(tmp_path: Path) -> None:
    """Delivered whole and in halves, one dead letter."""
    records = [change(1, new=call("a")), change(2, new=call("")), change(3, new=call("c"))]
    with ours(tmp_path) as handler:
        for some in (records, records[:1], records[1:]):
            handler(event(*some))
    assert len(rows(tmp_path)) == 2
    with opened(tmp_path, pii="drop") as home:
        found = letters(home, home.objects["call"])
    assert {one.position for one in found} == {f"{arn()}:{FIRST_SEQUENCE + 2}"}


def test_a_replayed_record_is_of_the_version_that_it_was(tmp_path: Path) -> None:
    """Set aside, overtaken by a newer version, then replayed once the cause is mended: it loses, as it should."""
    bad, newer = change(1, "INSERT"), change(2, "MODIFY", new=call("a", agentName={"S": "newer"}))
    late = change(3, new=call(""))
    with ours(tmp_path) as handler:
        handler(event(bad, newer, late))
    assert [row["agent_name"] for row in rows(tmp_path)] == ["newer"]
    lake = tmp_path / "lake" / "_dead_letter_bytes" / "call"
    (path,) = lake.iterdir()
    lines = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert {line["mark"]["version"] if line.get("mark") else None for line in lines} == {
        None, f"2026-02-11 14:34:20.000000/3/{FIRST_SEQUENCE + 3:040d}",
    }  # fmt: skip
    import base64

    mended = []
    for line in lines:
        payload = json.loads(base64.b64decode(line["payload"]))
        if "eventID" in payload:
            payload["dynamodb"]["NewImage"] = call("a", agentName={"S": "older"})
        else:
            payload["callId"] = "b"
        mended.append(json.dumps(line | {"payload": base64.b64encode(json.dumps(payload).encode()).decode()}))
    path.write_text("\n".join(mended) + "\n")
    with opened(tmp_path, pii="drop") as home:
        result = replay(home, home.objects["call"], index.dead_letters(home.warehouse, "call"))
        assert (result.counts.inserted, result.counts.superseded) == (1, 1)
    assert [(row["call_id"], row["agent_name"]) for row in rows(tmp_path)] == [("a", "newer"), ("b", "Ann")]
    assert settings_of(tmp_path).dynamodb_deletes == "all"
