"""Dead letters as a source: their bytes, one range each, framed like a file of their own."""

from __future__ import annotations

import io
from collections.abc import Sequence

from trunkline.errors import UsageError
from trunkline.lake import layout
from trunkline.ledger import index
from trunkline.ledger.index import SetAside
from trunkline.ledger.records import KeptBytes, decode_bytes
from trunkline.limits import DEAD_LETTER_BYTES_MAX
from trunkline.objects.transcript import TRANSCRIPT
from trunkline.pipelines.home import Home
from trunkline.positions import REPLAY_SOURCE, Plan, Range
from trunkline.records import Broken, Framed, Mark
from trunkline.sources.dynamodb import stream as dynamodb_stream
from trunkline.sources.dynamodb.tables import rules_of
from trunkline.sources.files import framing
from trunkline.sources.transcripts import files as transcripts


def kept_bytes(home: Home, letter: SetAside) -> KeptBytes:
    """The bytes of a dead letter. Raises UsageError when their retention is over and they are gone."""
    data = home.store.get_bytes(layout.bytes_key(letter.object_name, letter.batch_id))
    for kept in decode_bytes(data or b""):
        if (kept.position, kept.payload_hash) == (letter.position, letter.payload_hash):
            return kept
    raise UsageError(
        f"the bytes of the dead letter at {letter.position} are gone (dead_letter_retention_days is over); "
        "load the file again from where it came"
    )


def plan_letters(object_name: str, letters: Sequence[SetAside]) -> Plan:
    """The plan of a replay. Each try has its own version, so that it is a batch of its own."""
    ranges = tuple(
        Range(one.position, f"{one.payload_hash}#{one.replays}", 0, one.length, True, one.arrived_at) for one in letters
    )
    return Plan(object_name, REPLAY_SOURCE, ranges)


def reread_letters(home: Home, plan: Plan, letters: Sequence[SetAside] | None = None) -> Framed:
    """The records of a replay plan. One dead letter is one record, whatever its bytes hold: what was one stays one."""
    known = letters if letters is not None else index.dead_letters(home.warehouse, plan.object_name, is_open=False)
    by_identity = {(one.position, one.payload_hash): one for one in known}
    texts: list[str] = []
    indexes: list[int] = []
    offsets: list[int] = []
    broken: list[Broken] = []
    marks: list[Mark] = []
    for number, found in enumerate(plan.ranges):
        letter = by_identity[(found.uri, found.version.partition("#")[0])]
        kept = kept_bytes(home, letter)
        offset = int(found.uri.rpartition(":")[2])
        text, mark = _as_a_source_would(home, plan.object_name, kept, letter)
        if text is None:
            broken.append(Broken(number, offset, kept.payload, kept.length, letter.reason, letter.detail))
        else:
            texts.append(text)
            marks.append(mark)
            indexes.append(number)
            offsets.append(offset)
    return Framed(plan, texts, indexes, offsets, broken, sum(found.end for found in plan.ranges), marks)


def _as_a_source_would(home: Home, object_name: str, kept: KeptBytes, letter: SetAside) -> tuple[str | None, Mark]:
    """The text of a dead letter and what is known of it. What was set aside before it was shaped is shaped now."""
    if object_name == TRANSCRIPT.name:
        return _transcript(home, kept, letter) or (None, Mark())
    obj = home.objects.get(object_name)
    shaped = dynamodb_stream.read_dead_letter(obj, kept.payload, rules_of(home.settings)) if obj else None
    return shaped or (_one_record(kept), kept.mark or Mark())


def _transcript(home: Home, kept: KeptBytes, letter: SetAside) -> tuple[str, Mark] | None:
    if kept.length > DEAD_LETTER_BYTES_MAX:
        return None
    uri = letter.position.rpartition("@")[0]
    return transcripts.read_dead_letter(uri, kept.payload, letter.arrived_at, home.settings.transcript_keys)


def _one_record(kept: KeptBytes) -> str | None:
    if kept.length > DEAD_LETTER_BYTES_MAX:
        return None
    texts: list[str] = []
    for block in framing.frame(io.BytesIO(kept.payload).read, 0, lambda: None):
        if block.broken:
            return None
        texts += block.texts
    return texts[0] if len(texts) == 1 else None
