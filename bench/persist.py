"""The `persist_*` functions: what a cold start imports, and what a warm batch of 100 events takes.

Cold: a new process that imports the function, against one that imports boto3 alone; the time is the import's own, of
the fastest of several processes. Warm: a batch of 100 agent events as Lambda delivers them, into the store in memory,
against decoding its base64 and JSON by the standard library.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from itertools import islice
from typing import Any

from measure import Line, cpu_in_turns, show

from trunkline import clock
from trunkline.live.stores.memory import MemoryStore
from trunkline.pipelines.live.persist import log_letters, persist_agent_events
from trunkline.simulator.events.day import EventKind, arrivals, simulate_day
from trunkline.simulator.spec import Spec

_FUNCTIONS = ("persist_agent_event", "persist_contact_event", "persist_instance_data")
_TIMED = "import time; began = time.process_time(); import {}; print(time.process_time() - began)"


def _import_ms(module: str) -> float:
    done = subprocess.run([sys.executable, "-c", _TIMED.format(module)], capture_output=True, text=True, check=True)
    return float(done.stdout) * 1000


def _batch(events: int) -> dict[str, Any]:
    day = simulate_day(Spec(contacts=200))
    records = [
        {
            "kinesis": {
                "sequenceNumber": str(10**55 + place),
                "data": base64.b64encode(json.dumps(arrival.event, separators=(",", ":")).encode()).decode(),
                "approximateArrivalTimestamp": arrival.at_s,
            },
            "eventID": f"shardId-000000000000:{10**55 + place}",
            "eventSourceARN": "arn:aws:kinesis:eu-west-2:111122223333:stream/s",
        }
        for place, arrival in enumerate(
            islice(arrivals(day, kinds=frozenset((EventKind.AGENT_EVENT,))), 400, 400 + events)
        )
    ]
    return {"Records": records}


def _parse(batch: dict[str, Any]) -> None:
    for record in batch["Records"]:
        json.loads(base64.b64decode(record["kinesis"]["data"]))


def run(is_quick: bool) -> None:
    repeats = 5 if is_quick else 15
    names = {"boto3": "boto3", **{name: f"trunkline.handlers.{name}" for name in _FUNCTIONS}}
    times = {name: min(_import_ms(module) for _ in range(repeats)) for name, module in names.items()}
    lines = [Line("import boto3", times["boto3"], "ms", 1.0)]
    lines += [Line(f"import {name}", times[name], "ms", times[name] / times["boto3"], "1.3") for name in _FUNCTIONS]
    show("Cold import, CPU of a new process", lines)
    batch, now = _batch(100), clock.now()

    def persist() -> None:
        done = persist_agent_events(batch, MemoryStore(), log_letters, now)
        assert done.written == 100

    warm = cpu_in_turns(
        {"parse": lambda: [_parse(batch) for _ in range(20)], "persist": lambda: [persist() for _ in range(20)]},
        repeats,
    )
    lines = [
        Line("parsing: base64 and json.loads", warm["parse"] / 20 * 1000, "ms", 1.0),
        Line(
            "persist_agent_events into memory", warm["persist"] / 20 * 1000, "ms", warm["persist"] / warm["parse"], "2"
        ),
    ]
    show("A warm batch of 100 agent events", lines)
