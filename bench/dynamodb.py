"""DynamoDB: stream images to typed rows against the document's own functions, the function warm and cold, an export.

The document's functions run with an S3 that answers at once that there is no transcript: what they would wait for S3 is
not counted, and neither is the CPU of the two requests a call. Its rows are dictionaries and JSON lines; ours are typed,
hashed, checked for unknown fields and ready for Parquet.
"""

from __future__ import annotations

import gzip
import json
import os
import statistics
import subprocess
import sys
import time
import types
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from measure import Line, cpu_in_turns, scratch, show

from trunkline.flatten.flattener import Flattener
from trunkline.flatten.privacy import PiiRule
from trunkline.lake.store import open_store
from trunkline.objects.catalogue import OBJECTS
from trunkline.objects.model import Object
from trunkline.objects.post_call.call import CALL
from trunkline.objects.post_call.scorecard import SCORECARD, SKILLS
from trunkline.pipelines.home import LakeHome, open_home
from trunkline.pipelines.post_call.arrivals import ChangeProcessor
from trunkline.pipelines.post_call.backfill import backfill_export
from trunkline.settings.installation import Settings
from trunkline.sources.dynamodb.items import Rules
from trunkline.sources.dynamodb.stream import as_json, frame_event

QUOTED = Path(__file__).parents[1] / "tests" / "support" / "mission_002" / "handler.py.txt"
AT = datetime(2026, 4, 1)
Item = dict[str, Any]
TEXTS = ("agentId", "agentName", "allocation", "direction", "file_name", "firstOrFollowUp", "medium", "program",
         "queueName", "sessionId", "siteName", "s3_bucket")  # fmt: skip
CARD_TEXTS = ("agent", "callType", "notes", "outcome", "primaryIntent", "resolutionReason", "secondaryIntent")


def call(number: int) -> Item:
    payload: Item = {key: {"S": f"some {key} {number % 97}"} for key in TEXTS}
    payload |= {key: {"N": str(number % 1_000)} for key in ("queueId", "siteId", "tenantId")}
    at = f"2026-02-{1 + number % 28:02}T14:{number % 60:02}:19Z"
    return {"callId": {"S": f"c-{number:08}"}, "callTimestampUTC": {"S": at}, "payload": {"M": payload}}


def scorecard(number: int) -> Item:
    skill = {"score": {"N": str(number % 6)}, "evidence": {"S": 'She said: "that is fine, send it".'}}
    return {
        "guid": {"S": f"g-{number:08}"}, "datetime": {"S": f"2025-10-{1 + number % 28:02}T14-34-19"},
        "ingestedAt": {"S": "2025-10-08T15:00:00Z"}, "overallScore": {"N": f"{number % 10}.5"},
        "summary": {"S": "The customer asked for a delivery and was told when. " * 6},
        "scores": {"M": {key: {"M": skill} for key in SKILLS.values()}},
        **{key: {"S": f"some {key} {number % 97}"} for key in CARD_TEXTS},
    }  # fmt: skip


def record(number: int, item: Item, table: str) -> Item:
    dynamodb = {"ApproximateCreationDateTime": 1772323200.0, "SequenceNumber": str(10**20 + number), "NewImage": item}
    stream = f"arn:aws:dynamodb:us-east-1:111122223333:table/{table}/stream/2026"
    return {"eventID": f"e{number}", "eventName": "INSERT", "eventSourceARN": stream, "dynamodb": dynamodb}


class _NoTranscripts:
    def get_object(self, **_: Any) -> Any:
        raise KeyError("no such key")


def documents() -> Any:
    os.environ.setdefault("ANALYTICS_BUCKET", "a")
    os.environ.setdefault("TRANSCRIBE_BUCKET", "b")
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    module: Any = types.ModuleType("handler")
    exec(compile(QUOTED.read_text(), "handler.py", "exec"), module.__dict__)
    module.s3 = _NoTranscripts()
    return module


def _images(is_quick: bool) -> None:
    count, repeats = (2_000, 3) if is_quick else (8_000, 5)
    theirs = documents()
    lines = []
    cases: tuple[tuple[Object, Callable[[int], Item], Callable[[Item], Any], str], ...] = (
        (CALL, call, theirs.flatten_call_record, "6x"), (SCORECARD, scorecard, theirs.flatten_scorecard_record, "8x"),
    )  # fmt: skip
    for obj, make, flatten, target in cases:
        records = [record(n, make(n), obj.table_name) for n in range(count)]
        raw = [as_json(one) for one in records]
        flattener = Flattener(obj, PiiRule("drop", b""))

        def their_way(records: list[Item] = records, flatten: Callable[[Item], Any] = flatten) -> str:
            return "\n".join(json.dumps(flatten(one["dynamodb"]["NewImage"]), default=str) for one in records)

        def our_way(obj: Object = obj, raw: list[bytes] = raw, flattener: Flattener = flattener) -> None:
            flattener.flatten(frame_event(obj, "stream", raw, Rules()), AT)

        cpu = cpu_in_turns({
            "theirs": their_way, "ours": our_way,
            "framing": lambda obj=obj, raw=raw: frame_event(obj, "stream", raw, Rules()),
        }, repeats)  # fmt: skip
        each = {name: seconds / count * 1e6 for name, seconds in cpu.items()}
        lines += [
            Line(f"{obj.table_name}: the document's functions, to JSON lines", each["theirs"], "us", 1.0),
            Line(f"{obj.table_name}: ours, to typed rows", each["ours"], "us", each["theirs"] / each["ours"], target),
            Line("  of which reading the images", each["framing"], "us"),
        ]
    show(f"dynamodb: {count:,} stream images, CPU per image, one core, without S3", lines)


def _function(is_quick: bool) -> None:
    repeats = 5 if is_quick else 25
    lines = []
    with scratch() as folder:
        settings = Settings.load(folder, {"TRUNKLINE_PII": "drop"})
        for make, table in ((call, "calls"), (scorecard, "scorecards")):
            processor = ChangeProcessor(LakeHome(settings, open_store(settings.lake), folder / "scratch"), OBJECTS)
            # A batch that is delivered again is not put again, so each is another one.
            batches = iter([[record(100 * b + n, make(1), table) for n in range(100)] for b in range(2 * repeats + 10)])
            cpu = cpu_in_turns({"warm": lambda p=processor, b=batches: p.process(next(b), print)}, repeats)
            lines.append(Line(f"{table}: a batch of 100 to a folder, warm", cpu["warm"] * 1e3, "ms CPU", None, "20"))
    show("dynamodb: the function", lines + _cold(repeats))


_CLIENT = "import boto3; boto3.client('s3', region_name='us-east-1')"
_IMPORT = f"{_CLIENT}\nfrom trunkline.handlers.stream_processor import handler"
_EVENTS = "import json, sys; event = json.load(open(sys.argv[1]))"


def _cold(repeats: int) -> list[Line]:
    """New processes in turns. All have bytecode, as in what is deployed: pip makes it, and AWS does for its boto3."""
    with scratch() as folder:
        event = folder / "event.json"
        event.write_text(json.dumps({"Records": [record(n, call(1), "calls") for n in range(100)]}))
        environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | {
            "PYTHONPYCACHEPREFIX": str(folder / "bytecode"), "TRUNKLINE_LAKE": f"file://{folder}/lake",
        }  # fmt: skip

        def seconds(before: str, timed: str) -> float:
            code = f"import time\n{before}\nt = time.process_time()\n{timed}\nprint(time.process_time() - t)"
            command = [sys.executable, "-c", code, str(event)]
            return float(subprocess.run(command, capture_output=True, text=True, check=True, env=environ).stdout)

        cases = {
            "bare": ("", _CLIENT), "ours": ("", _IMPORT),
            "first": (f"{_EVENTS}\n{_IMPORT}", "handler(event, None)"),
            "second": (f"{_EVENTS}\n{_IMPORT}\nhandler(event, None)", "handler(event, None)"),
        }  # fmt: skip
        turns = [{name: seconds(*case) for name, case in cases.items()} for _ in range(repeats + 1)]
        cost = {name: statistics.median(turn[name] for turn in turns[1:]) * 1e3 for name in cases}
    return [
        Line("import boto3 and make a client", cost["bare"], "ms CPU", 1.0),
        Line("the same and the function", cost["ours"], "ms CPU", cost["ours"] / cost["bare"], "1.6x"),
        Line("  its first batch of 100", cost["first"], "ms CPU"),
        Line("  its second", cost["second"], "ms CPU"),
    ]


def _export(is_quick: bool) -> None:
    count, files = (20_000, 2) if is_quick else (300_000, 8)
    with scratch() as folder:
        place = folder / "AWSDynamoDB" / "0170"
        (place / "data").mkdir(parents=True)
        listed = []
        for file in range(files):
            text = "".join(
                json.dumps({"Item": call(n)}, separators=(",", ":")) + "\n" for n in range(file, count, files)
            )
            (place / "data" / f"{file}.json.gz").write_bytes(gzip.compress(text.encode(), 5))
            listed.append({"itemCount": text.count("\n"), "dataFileS3Key": f"AWSDynamoDB/0170/data/{file}.json.gz"})
        (place / "manifest-files.json").write_text("\n".join(map(json.dumps, listed)))
        (place / "manifest-summary.json").write_text(json.dumps({
            "exportArn": "a", "exportTime": "2026-03-01T00:00:00Z", "itemCount": count,
            "manifestFilesS3Key": "AWSDynamoDB/0170/manifest-files.json",
        }))  # fmt: skip
        with open_home(Settings.load(folder / "home", {"TRUNKLINE_THREADS": "2"})) as home:
            cpu, wall = time.process_time(), time.perf_counter()
            backfill_export(home, home.objects["call"], str(place))
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    show(
        f"dynamodb: an export of {count:,} calls over 28 days to lake and warehouse",
        [
            Line("CPU of an item", cpu / count * 1e6, "us"),
            Line("items a second, as it went", count / wall, "items/s"),
            Line("items a second on two cores, were they free", 2 * count / cpu, "items/s", None, "100,000"),
        ],
    )


def run(is_quick: bool) -> None:
    _images(is_quick)
    _function(is_quick)
    _export(is_quick)
