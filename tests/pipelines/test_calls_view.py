"""Calls with their transcripts and contact records: answer types by hand, the document's query in three engines."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from dynamo_tables import the_documents
from homes import contact, load_into, opened, settings_of, table, write
from s3 import bucket
from transcript_files import DIALOGUE, GREETING, TALK, VOICEMAIL, call_analytics, lens, on_channels, put, transcribe

from trunkline.pipelines.home import Home, open_home
from trunkline.pipelines.reading import open_reader, query
from trunkline.pipelines.runner import Runner

QUERY = """
SELECT
    direction,
    answer_type,
    COUNT(*) as call_count,
    AVG(call_duration_seconds) as avg_duration_seconds,
    SUM(CASE WHEN call_duration_seconds > 60 THEN 1 ELSE 0 END) as calls_over_one_minute
FROM post_call_analytics.calls
WHERE year = '2026' AND month = '02' AND day = '11'
GROUP BY direction, answer_type
ORDER BY direction, answer_type;
"""
"""The document's test query."""
NAMES = ("call_duration_seconds", "answer_type", "answer_type_rule", "answer_type_by_duration", "call_duration_rule")
SHORT = [("far", "No thanks.", 1.0, 9.9)]
ALONE = [("near", "Hello is anybody there.", 1.0, 30.0)]


def call(call_id: str, direction: str | None = "outbound", at: str = "2026-02-11T10:00:00Z") -> dict[str, Any]:
    """An item of the table calls, as the source hands it to flatten."""
    return {"callId": call_id, "callTimestampUTC": at, "payload": {"direction": direction, "medium": "voice"}}


def seen(home: Home) -> dict[str, tuple[Any, ...]]:
    rows = home.con.execute(f"SELECT call_id, {', '.join(NAMES)} FROM post_call_analytics.calls").fetchall()
    return {row[0]: row[1:] for row in rows}


def loaded(home: Home, folder: Path, calls: list[dict[str, Any]], transcripts: dict[str, Any],
           contacts: list[dict[str, Any]]) -> None:  # fmt: skip
    load_into(home, write(folder / "calls.json", *calls), obj=home.objects["call"])
    for name, document in transcripts.items():
        put(folder / "t" / "transcripts", f"{name}.json", document)
    if transcripts:
        load_into(home, folder / "t", obj=home.objects["transcript"])
    if contacts:
        load_into(home, write(folder / "contacts.json", *contacts))


def answered(contact_id: str, status: str | None) -> dict[str, Any]:
    return contact(contact_id, AnsweringMachineDetectionStatus=status)


CASES: dict[str, tuple[str | None, Any, str | None, tuple[Any, ...]]] = {
    # direction, transcript, answering-machine status: seconds, answer type, rule, by the document's rule alone
    "nothing": ("outbound", None, ..., (None, "Unknown", None, "Unknown")),
    "empty": ("outbound", transcribe([]), ..., (None, "Unknown", None, "Unknown")),
    "short": ("outbound", transcribe(SHORT, "speaker"), ..., (9, "NoAnswer", "duration_and_speakers", "NoAnswer")),
    "one": ("outbound", transcribe(ALONE, "speaker"), ..., (30, "Voicemail", "duration_and_speakers", "Voicemail")),
    "instant": ("outbound", transcribe([("near", "Hello.", 0.0, 0.4)], "speaker"), ..., (0, "Unknown", None, "Unknown")),
    "two": ("outbound", transcribe(TALK, "speaker"), ..., (40, "Human", "duration_and_speakers", "Human")),
    "plain": ("outbound", transcribe(TALK), ..., (40, "Unknown", None, "Unknown")),
    "channels": ("outbound", transcribe(TALK, "channel"), ..., (40, "Human", "participants", "Human")),
    "dialogue": ("outbound", on_channels(DIALOGUE), ..., (7, "Human", "participants", "NoAnswer")),
    "old-dialogue": ("outbound", on_channels(DIALOGUE, is_old=True), ..., (7, "Human", "participants", "NoAnswer")),
    "greeting": ("outbound", transcribe(VOICEMAIL, "channel"), ..., (40, "Voicemail", "participants", "Human")),
    "roles": ("outbound", call_analytics(TALK), ..., (40, "Human", "participants", "Human")),
    "machine": ("outbound", call_analytics(VOICEMAIL), ..., (40, "Voicemail", "participants", "Human")),
    "lens": ("outbound", lens(VOICEMAIL), ..., (40, "Voicemail", "participants", "Human")),
    "complaint": ("Inbound", lens(VOICEMAIL), ..., (40, "Human", "participants", "Human")),
    "agent-first": ("outbound", lens([("near", "Hello.", 0, 1), ("far", "Yes?", 2, 15)]), ...,
                    (15, "Human", "participants", "Human")),
    "silent-customer": ("outbound", lens(ALONE), ..., (30, "Voicemail", "duration_and_speakers", "Voicemail")),
    "known-human": ("outbound", lens(VOICEMAIL), "HUMAN_ANSWERED", (40, "Human", "answering_machine_status", "Human")),
    "known-beep": ("outbound", lens(TALK), "VOICEMAIL_BEEP", (40, "Voicemail", "answering_machine_status", "Human")),
    "known-busy": ("outbound", None, "SIT_TONE_BUSY", (270, "NoAnswer", "answering_machine_status", "Unknown")),
    "fax": ("outbound", lens(TALK), "FAX_MACHINE_DETECTED", (40, "Unknown", "answering_machine_status", "Human")),
    "undecided": ("outbound", lens(TALK), "AMD_UNRESOLVED_SILENCE", (40, "Human", "participants", "Human")),
    "contact-only": (None, None, None, (270, "Unknown", None, "Unknown")),
}  # fmt: skip


@pytest.fixture(scope="module")
def home_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a call of each case, loaded once."""
    folder = tmp_path_factory.mktemp("cases")
    with opened(folder / "home") as home:
        loaded(
            home, folder, [call(name, case[0]) for name, case in CASES.items()],
            {name: case[1] for name, case in CASES.items() if case[1] is not None},
            [answered(name, case[2]) for name, case in CASES.items() if case[2] is not ...],
        )  # fmt: skip
    return folder / "home"


def test_answer_types_and_the_rule_that_decided(home_path: Path) -> None:
    """Status, then who spoke, then the document's rule; unknown seconds are NULL and never 0."""
    with opened(home_path) as home:
        found = seen(home)
    assert {name: row[:4] for name, row in found.items()} == {name: case[3] for name, case in CASES.items()}
    rules = {row[4] for row in found.values()}
    assert rules == {"last_word", "conversation", "contact_record", None}


SERVERS = {"postgresql": "postgres_databases", "redshift+data": "redshift_databases"}
TURNS = "SELECT call_id, turn_number, participant, content, begin_offset_ms FROM post_call_analytics.transcript_turn"


def plain(rows: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """Rows of the document's query in one type of number."""
    return [(way, type_, count, None if mean is None else round(float(mean), 6), int(long))
            for way, type_, count, mean, long in rows]  # fmt: skip


def embedded(home_path: Path) -> list[tuple[Any, ...]]:
    with open_reader(settings_of(home_path)) as reader:
        return plain(query(reader, QUERY).rows)


def test_the_documents_query_gives_the_same_over_warehouse_lake_and_in_athenas_sql(home_path: Path) -> None:
    """Unchanged, but for the lake's name where the lake's files are asked."""
    with open_reader(settings_of(home_path)) as reader:
        in_lake = query(reader, QUERY.replace("post_call_analytics.calls", "lake.calls")).rows
        in_athena = query(reader, QUERY, "athena").rows
    wanted = embedded(home_path)
    assert plain(in_lake) == plain(in_athena) == wanted
    assert ("outbound", "Voicemail", 6, pytest.approx(36.666667), 0) in wanted
    assert sum(row[2] for row in wanted) == len(CASES)


@pytest.mark.parametrize("target", SERVERS)
def test_the_documents_query_gives_the_same_on_a_server(
    home_path: Path, tmp_path: Path, target: str, request: pytest.FixtureRequest
) -> None:
    """The same lake folded into another warehouse: the same calls, the same turns."""
    url = request.getfixturevalue(SERVERS[target]).new()
    lake = f"file://{home_path / 'lake'}"
    with open_home(settings_of(tmp_path / "server", lake=lake, warehouse=url)) as home:
        for name in ("contact_record", "call", "transcript"):
            Runner(home, home.objects[name]).recover()
        assert plain(home.warehouse.query(QUERY.strip().rstrip(";"))) == embedded(home_path)
        turns = {tuple(row) for row in home.warehouse.query(TURNS)}
    with opened(home_path) as home:
        assert turns == set(home.con.execute(TURNS).fetchall())
    assert len(turns) > 20


@pytest.fixture
def theirs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The document's handler over a bucket; `.client` fills it."""
    for name in ("ANALYTICS_BUCKET", "TRANSCRIBE_BUCKET"):
        monkeypatch.setenv(name, "recordings")
    with bucket("recordings") as client:
        module = the_documents()
        module.client = client  # type: ignore[attr-defined]
        yield module


def test_flaw_5_documented_outputs_have_a_duration(theirs: Any) -> None:
    """The document asks for a field that no output has: 0 seconds and Unknown, always. Ours: see the cases above."""
    for by in (None, "speaker", "channel"):
        theirs.client.put_object(Bucket="recordings", Key="transcripts/c.json", Body=json.dumps(transcribe(TALK, by)))
        seconds, key = theirs.get_transcribe_metadata("", "c")
        assert (seconds, key, theirs.infer_answer_type(seconds, key)) == (0, "transcripts/c.json", "Unknown")
    assert {CASES[name][3][0] for name in ("plain", "two", "channels")} == {40}


def test_flaw_6_a_greeting_is_not_a_human_and_channels_are_known(theirs: Any) -> None:
    """Given a duration, the document knows no channel, takes a greeting for a human, and guesses on any error."""
    for by, wrong in (("channel", "Unknown"), ("speaker", "Human")):
        theirs.client.put_object(Bucket="recordings", Key="c", Body=json.dumps(transcribe(VOICEMAIL, by)))
        assert theirs.infer_answer_type(40, "c") == wrong
    assert theirs.infer_answer_type(40, "not-there") == "Human"
    assert CASES["greeting"][3][1] == CASES["machine"][3][1] == "Voicemail"
    assert CASES["channels"][3][1] == "Human"


def test_flaw_7_a_later_transcript_enriches_its_call(theirs: Any, tmp_path: Path) -> None:
    """The document's row stays as it was first written. Ours: call, transcript and contact record come in any order, the
    call ends the same, and each file is read once, where the document reads it twice.
    """
    asked: list[str] = []
    theirs.client.meta.events.register(
        "provide-client-params.s3.GetObject", lambda params, **_: asked.append(params["Key"])
    )
    theirs.s3 = theirs.client
    image = {"callId": {"S": "c"}, "callTimestampUTC": {"S": "2026-02-11T10:00:00Z"}}
    event = {"Records": [{"eventName": "INSERT", "eventSourceARN": "x:table/calls", "dynamodb": {"NewImage": image}}]}
    theirs.lambda_handler(event, None)
    (key,) = [one["Key"] for one in theirs.client.list_objects_v2(Bucket="recordings")["Contents"]]
    document = json.dumps(transcribe(TALK, "speaker", audio_duration=40))
    theirs.client.put_object(Bucket="recordings", Key="transcripts/c.json", Body=document)
    row = json.loads(theirs.client.get_object(Bucket="recordings", Key=key)["Body"].read())
    assert (row["answer_type"], row["call_duration_seconds"]) == ("Unknown", 0)
    asked.clear()
    theirs.infer_answer_type(*theirs.get_transcribe_metadata("", "c"))
    assert asked == ["transcripts/c.json"] * 2
    parts = {
        "call": lambda home: load_into(home, write(tmp_path / "calls.json", call("c")), obj=home.objects["call"]),
        "transcript": lambda home: load_into(home, tmp_path / "t", obj=home.objects["transcript"]),
        "contact": lambda home: load_into(home, write(tmp_path / "contacts.json", answered("c", "VOICEMAIL_BEEP"))),
    }
    put(tmp_path / "t/transcripts", "c.json", transcribe(TALK, "channel"))
    found = []
    for number, order in enumerate(itertools.permutations(parts)):
        if number % 2:
            continue  # three of the six: each comes first once, and last once
        with opened(tmp_path / f"home-{number}") as home:
            for name in order:
                parts[name](home)
            assert parts["transcript"](home).counts.read == 0
            found.append(seen(home))
    assert found == [{"c": (40, "Voicemail", "answering_machine_status", "Human", "last_word")}] * 3


def test_one_call_has_one_row_for_any_variants(tmp_path: Path) -> None:
    """Raw and redacted copies, and two kinds of analysis: the one that tells most is read; a deleted call is gone."""
    with opened(tmp_path / "home") as home:
        loaded(home, tmp_path, [call("c")], {"c": transcribe(TALK, "speaker"), "redacted-c": lens(GREETING, True)}, [])
        put(tmp_path / "t/analytics", "c.json", call_analytics(TALK))
        load_into(home, tmp_path / "t", obj=home.objects["transcript"])
        assert len(table(home, home.objects["transcript"])) == 3
        (row,) = home.con.execute(
            "SELECT transcript_format, transcript_s3_key, year, month, day FROM post_call_analytics.calls"
        ).fetchall()
    assert (row[0], row[1].endswith("transcripts/redacted-c.json"), row[2:]) == (
        "contact_lens",
        True,
        ("2026", "02", "11"),
    )
