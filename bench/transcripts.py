"""Transcripts: files of five-minute calls as Transcribe writes them, CPU per file on one core.

Rival: what the document's two functions do with a file, which is to parse it twice and keep two numbers, without S3. Bound: one
`json.loads`. Ours gives all turns, talk times and participants, typed, hashed, and with personal data hidden.
"""

from __future__ import annotations

import json
import random
from datetime import datetime
from pathlib import Path
from typing import Any

from measure import Line, cpu_in_turns, scratch, show

from trunkline.flatten.flattener import Flattener
from trunkline.flatten.privacy import PiiRule
from trunkline.objects.post_call.transcript import TRANSCRIPT
from trunkline.settings.options import Options
from trunkline.sources.transcripts import files as transcripts

AT = datetime(2026, 11, 30)
KEYS = Options().transcript_keys


def _document(chance: random.Random, words: int) -> dict[str, Any]:
    items: list[dict[str, Any]] = []
    at, speaker = 0.5, 0
    for n in range(words):
        if chance.random() < 0.08:
            speaker, at = 1 - speaker, at + 0.5
            items.append({"id": n, "type": "punctuation", "speaker_label": f"spk_{speaker}",
                          "alternatives": [{"confidence": "0.0", "content": "."}]})  # fmt: skip
        end = at + 0.3
        items.append({"id": n, "type": "pronunciation", "speaker_label": f"spk_{speaker}", "start_time": f"{at:.3f}",
                      "end_time": f"{end:.3f}", "alternatives": [{"confidence": "0.98", "content": "word"}]})  # fmt: skip
        at = end + 0.1
    timed = [item for item in items if "start_time" in item]
    labels = [{key: item[key] for key in ("start_time", "end_time", "speaker_label")} for item in timed]
    return {"jobName": "job", "accountId": "111122223333", "status": "COMPLETED", "results": {
        "transcripts": [{"transcript": "word " * words}], "items": items,
        "speaker_labels": {"speakers": 2, "segments": [{"speaker_label": "spk_0", "items": labels}]}}}  # fmt: skip


def _as_the_document(paths: list[Path]) -> None:
    for path in paths:
        results = json.loads(path.read_bytes()).get("results", {})
        float(results.get("audio_duration", 0))
        items = json.loads(path.read_bytes()).get("results", {}).get("items", [])
        {item.get("speaker_label", "") for item in items}


def run(is_quick: bool) -> None:
    count, repeats = (40, 3) if is_quick else (200, 5)
    chance = random.Random(1)
    flattener = Flattener(TRANSCRIPT, PiiRule("hash", b"bench"))
    with scratch() as folder:
        paths = [folder / "transcripts" / f"c-{n}.json" for n in range(count)]
        paths[0].parent.mkdir()
        for path in paths:
            path.write_text(json.dumps(_document(chance, 750)))
        size = sum(path.stat().st_size for path in paths) // count
        files = transcripts.list_transcripts([str(folder)])

        def read() -> list[Any]:
            return list(transcripts.read_batches(files, {}, TRANSCRIPT.name, KEYS))

        batches = read()
        cpu = cpu_in_turns(
            {
                "document": lambda: _as_the_document(paths),
                "parse": lambda: [json.loads(path.read_bytes()) and None for path in paths],
                "read": read,
                "flatten": lambda: [flattener.flatten(one, AT) for one in batches],
            },
            repeats,
        )
    each = {name: seconds * 1e6 / count for name, seconds in cpu.items()}
    ours = each["read"] + each["flatten"]
    show(
        f"transcripts: {count:,} files of {size:,} bytes, CPU per file, one core",
        [
            Line("the document's functions (two parses, two numbers)", each["document"], "us", 1.0),
            Line("one json.loads", each["parse"], "us", each["document"] / each["parse"]),
            Line("ours, all turns, typed", ours, "us", each["document"] / ours),
            Line("  of which reading", each["read"], "us"),
        ],
    )
