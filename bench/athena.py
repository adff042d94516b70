"""Athena: what a day of 100,000 calls takes in the lake, and what the application's question by direction and answer type reads.

The rival is the layout of the application's own stream processor: the same rows as JSON lines, read whole by any question.
Bytes are those of files and of column chunks (Athena is paid by them), counted from the files' own footers.
"""

from __future__ import annotations

import json
import random
import re
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
from measure import Line, scratch, show

from trunkline.engines.athena import ATHENA
from trunkline.flatten.flattener import Flattener
from trunkline.flatten.privacy import PiiRule
from trunkline.lake import layout
from trunkline.lake.compaction import compact_day
from trunkline.lake.store import FolderStore
from trunkline.objects.model import Object
from trunkline.objects.post_call.call import CALL
from trunkline.objects.post_call.transcript import TRANSCRIPT
from trunkline.pipelines import batches
from trunkline.positions import FileRange, Plan
from trunkline.records import Framed
from trunkline.sql.lake.views import best_body, has_plain, plain_body

DAY = datetime(2026, 2, 11)
ARRIVED = datetime(2026, 2, 12, 6)
Record = dict[str, object]
AGENTS, SITES = 120, 14


def calls(count: int, rng: random.Random) -> Iterator[Record]:
    """Items of the table `calls`, a day of them."""
    for _ in range(count):
        id_, agent, site = (
            str(uuid.UUID(int=rng.getrandbits(128), version=4)),
            rng.randrange(AGENTS),
            rng.randrange(SITES),
        )
        at = DAY + timedelta(milliseconds=rng.randrange(86_400_000))
        yield {
            "callId": id_,
            "callTimestampUTC": at.isoformat(timespec="milliseconds") + "Z",
            "payload": {
                "agentId": f"agent-{agent:05}", "agentName": f"Agent Number {agent}", "allocation": "Standard",
                "direction": rng.choice(("inbound", "outbound")), "file_name": f"recordings/{at:%Y/%m/%d}/{id_}_{at:%Y%m%dT%H%M%S}_UTC.wav",
                "firstOrFollowUp": rng.choice(("First", "FollowUp")), "medium": "Voice", "program": f"Program {site % 5}",
                "queueId": 100 + site, "queueName": f"Queue {site}", "sessionId": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
                "siteId": site, "siteName": f"Site {site}", "tenantId": 1, "s3_bucket": "example-call-recordings-us-east-1",
            },
        }  # fmt: skip


WORDS = ("the", "a", "call", "order", "delivery", "customer", "agent", "when", "what", "yes", "no", "please", "thank",
         "you", "number", "address")  # fmt: skip


def transcripts(items: Sequence[Record], rng: random.Random) -> Iterator[Record]:
    """One transcript a call, of few words: the question must not read them."""
    for item in items:
        seconds, speakers = rng.randrange(0, 900), rng.choice((1, 2, 2, 2))
        yield {
            "callId": item["callId"], "format": "transcribe", "output": "raw", "writtenAt": "2026-02-11T23:00:00Z",
            "bucket": "example-transcripts", "key": f"transcripts/{item['callId']}.json", "durationMs": seconds * 1000,
            "durationRule": "last_word", "participantKind": "speaker", "participantCount": speakers, "changeCount": seconds // 9,
            "participants": [f"spk_{n}" for n in range(speakers)], "firstParticipant": "spk_0",
            "turns": [{"number": n, "kind": "TURN", "content": " ".join(rng.choices(WORDS, k=12))} for n in (1, 2)],
        }  # fmt: skip


def json_layout(items: Sequence[Record]) -> int:
    """Bytes of the same calls as the application's `write_to_s3` has them, each once."""
    total = 0
    for item in items:
        payload: dict[str, object] = item["payload"]  # type: ignore[assignment]
        row = {
            "call_id": item["callId"], "call_timestamp_utc": item["callTimestampUTC"], "agent_id": payload["agentId"],
            "agent_name": payload["agentName"], "allocation": payload["allocation"], "direction": payload["direction"],
            "file_name": payload["file_name"], "first_or_follow_up": payload["firstOrFollowUp"], "medium": payload["medium"],
            "program": payload["program"], "queue_id": str(payload["queueId"]), "queue_name": payload["queueName"],
            "session_id": payload["sessionId"], "site_id": payload["siteId"], "site_name": payload["siteName"],
            "tenant_id": payload["tenantId"], "s3_bucket": payload["s3_bucket"], "call_duration_seconds": 345,
            "answer_type": "Human", "transcript_s3_key": f"transcripts/{item['callId']}.json", "year": "2026", "month": "02",
            "day": "11",
        }  # fmt: skip
        total += len(json.dumps(row)) + 1
    return total


def put(store: FolderStore, folder: Path, obj: Object, records: Sequence[Record], rows: int) -> list[str]:
    """The records in the lake, in batches of so many rows; the files' keys."""
    flattener = Flattener(obj, PiiRule("keep", b"", frozenset()))
    for start in range(0, len(records), rows):
        texts = [json.dumps(record, separators=(",", ":")) for record in records[start : start + rows]]
        span = FileRange(
            "arn:aws:dynamodb:us-east-1:111122223333:table/calls/stream",
            "shard-1",
            start,
            start + len(texts),
            True,
            ARRIVED,
        )
        framed = Framed(Plan(obj.name, "bench", (span,)), texts, [0] * len(texts), range(len(texts)), [], 1)
        batches.put(store, folder, flattener, framed)
    flattener.con.close()
    return [key for key in store.list(layout.table_prefix(obj)) if key.endswith(".parquet")]


def stored(store: FolderStore, keys: Sequence[str]) -> int:
    return sum((store.root / key).stat().st_size for key in keys)


def columns(store: FolderStore, keys: Sequence[str]) -> dict[str, int]:
    """Compressed bytes by column."""
    paths = [str(store.root / key) for key in keys]
    return dict(
        duckdb.execute(
            "SELECT split_part(path_in_schema, ', ', 1), sum(total_compressed_size)::BIGINT FROM parquet_metadata($1) GROUP BY 1",
            [paths],
        ).fetchall()
    )


def read_of(obj: Object, store: FolderStore, keys: Sequence[str], asked: Sequence[str]) -> int:
    """Bytes of the columns that the view makes an engine read for these: those asked for, and all it ranks rows by."""
    body = plain_body if has_plain(obj) else best_body
    ranking = body(obj, ATHENA, "files").partition("FROM (")[2]
    needed = {*asked, *re.findall(r'"(\w+)"', ranking)}
    return sum(size for name, size in columns(store, keys).items() if name in needed)


ASKED_OF_CALLS = ("direction",)  # the day is in the path
ASKED_OF_TRANSCRIPTS = ("duration_ms", "participant_kind", "participant_count", "first_participant", "change_count")


def compacted(store: FolderStore, folder: Path, obj: Object, keys: Sequence[str]) -> str:
    """The key of the one file that these become."""
    day = layout.day_of(keys[0])
    assert day is not None
    return compact_day(duckdb.connect(), obj, day, keys, store, folder).key


def run(is_quick: bool) -> None:
    count = 10_000 if is_quick else 100_000
    rng = random.Random(1)
    items = list(calls(count, rng))
    rival = json_layout(items)
    told = [Line("JSON lines of the application", rival / 1e6, "MB", 1.0)]
    with scratch() as folder:
        for rows in (100, 1_000):
            store = FolderStore(folder / str(rows), "")
            keys = put(store, folder / "scratch", CALL, items, rows)
            told.append(
                Line(
                    f"calls in batches of {rows:,}",
                    stored(store, keys) / 1e6,
                    "MB",
                    rival / stored(store, keys),
                    "6x" if rows == 1000 else "",
                )
            )
        one = compacted(store, folder / "scratch", CALL, keys)
        told.append(
            Line("calls after compaction", stored(store, [one]) / 1e6, "MB", rival / stored(store, [one]), "10x")
        )
        show(f"a day of {count:,} calls, stored", told)
        for name, found in sorted(columns(store, [one]).items(), key=lambda pair: -pair[1])[:8]:
            print(f"    {name:<28}{found / count:8.2f} bytes a row")
        made = list(transcripts(items, rng))
        other = compacted(
            store, folder / "scratch", TRANSCRIPT, put(store, folder / "scratch", TRANSCRIPT, made, 10_000)
        )
        by_files = sum(size for name, size in columns(store, [one]).items() if name in ASKED_OF_CALLS)
        by_view = read_of(CALL, store, [one], ASKED_OF_CALLS)
        joined = by_view + read_of(TRANSCRIPT, store, [other], ASKED_OF_TRANSCRIPTS)
        with_words = joined + columns(store, [other])["turns"]
        keys_alone = columns(store, [one])["call_id"] + columns(store, [other])["call_id"]
        show(
            "the question by direction and answer type, read",
            [
                Line("JSON lines of the application", rival / 1e6, "MB", 1.0),
                Line("columns of calls alone, without their versions' order", by_files / 1e6, "MB", rival / by_files),
                Line("the best version of each call", by_view / 1e6, "MB", rival / by_view),
                Line("and of each transcript", joined / 1e6, "MB", rival / joined, "25x"),
                Line("  of which the two keys of the join", keys_alone / 1e6, "MB", rival / keys_alone),
                Line("and were the words read too", with_words / 1e6, "MB", rival / with_words),
            ],
        )


if __name__ == "__main__":
    run(False)
