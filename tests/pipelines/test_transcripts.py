"""Transcript files through lake and warehouse: a file is a record, replaced whole, accounted for, without a word in a message."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from homes import lake_best, letters, load_into, opened, settings_of, table, totals
from transcript_files import GREETING, SAMPLES, TALK, VOICEMAIL, call_analytics, chat, lens, put, transcribe

from trunkline.accounting import Counts
from trunkline.lake import layout
from trunkline.objects.post_call.transcript import TRANSCRIPT
from trunkline.pipelines import batches
from trunkline.pipelines.home import Home
from trunkline.pipelines.jobs.load import replay
from trunkline.pipelines.reading import open_reader, query
from trunkline.pipelines.runner import LoadResult, Runner
from trunkline.sources.registry import file_source, list_files

LENS = "Analysis/Voice/2026/02/11/c_analysis_2026-02-11T21:14:16Z.json"


def load(home: Home, folder: Path) -> LoadResult:
    return load_into(home, folder, obj=TRANSCRIPT)


def turns(home: Home) -> list[tuple[Any, ...]]:
    return home.con.execute(
        "SELECT call_id, turn_number, content FROM post_call_analytics.transcript_turn ORDER BY 1, 2"
    ).fetchall()


def test_files_are_the_unit_of_accounting(tmp_path: Path) -> None:
    """Files read = rows and files set aside, whatever number of turns; a second load reads nothing."""
    files = tmp_path / "t"
    for n in range(5):
        put(files, f"transcripts/c-{n}.json", transcribe(TALK, "speaker"))
    put(files, "transcripts/bad.json", b"{")
    put(files, "transcripts/c.wav", b"RIFF")
    with opened(tmp_path / "home") as home:
        assert load(home, files).counts == Counts(read=6, inserted=5, dead_letter=1)
        assert load(home, files).counts == Counts()
        assert (len(table(home, TRANSCRIPT)), len(turns(home))) == (5, 15)
        assert table(home, TRANSCRIPT) == lake_best(home, TRANSCRIPT)
        (letter,) = letters(home, TRANSCRIPT)
        assert letter.position.endswith("transcripts/bad.json@1-1771000000000000000:0")
        assert letter.reason == "truncated"


def test_optional_values_that_do_not_fit_cost_their_column_alone(tmp_path: Path) -> None:
    """The row is there, the values are in record_unmapped as the file has them, and the drift names their types."""
    document = lens(TALK) | {"Categories": "none"}
    document["Transcript"][1]["Sentiment"] = 5
    document["ConversationCharacteristics"]["TalkTime"]["TotalTimeMillis"] = "28698"
    put(tmp_path / "t", LENS, document)
    with opened(tmp_path / "home") as home:
        result = load(home, tmp_path / "t")
        assert result.counts == Counts(read=1, inserted=1)
        (row,) = home.con.execute(
            "SELECT categories, talk_time_total_ms, talk_time_agent_ms, turns[2].sentiment, turns[2].content, "
            "record_unmapped FROM post_call_analytics.f_transcript"
        ).fetchall()
        assert row[:5] == (None, None, 15_079, None, "Hello this is the shop.")
        talk_time = "ConversationCharacteristics.TalkTime.TotalTimeMillis"
        assert json.loads(row[5]) == {"Categories": "none", "Transcript[1].Sentiment": 5, talk_time: "28698"}
        (drift,) = result.drifts
        assert not [key for key in drift.unknown if key.startswith(("Transcript[", "Categories", "Conversation"))]
        assert drift.type_changes == {
            "Categories is VARCHAR": 1, "Transcript[].Sentiment is UBIGINT": 1, f"{talk_time} is VARCHAR": 1,
        }  # fmt: skip


def test_a_file_written_again_replaces_all_its_turns(tmp_path: Path) -> None:
    """Fewer turns leave none behind; an older writing that comes last changes nothing, in any order of three."""
    versions = [(1_771_000_000, VOICEMAIL), (1_771_100_000, TALK), (1_771_200_000, GREETING)]
    ends = []
    for number, order in enumerate(itertools.permutations(versions)):
        if number % 2:
            continue  # three of the six: each comes first once, and last once
        with opened(tmp_path / f"home-{number}") as home:
            for at, said in order:
                put(tmp_path / "t", "transcripts/c.json", transcribe(said, "speaker"), at)
                load(home, tmp_path / "t")
            ends.append((table(home, TRANSCRIPT), turns(home)))
            assert table(home, TRANSCRIPT) == lake_best(home, TRANSCRIPT)
            assert totals(home, TRANSCRIPT).read == 3
    assert all(end == ends[0] for end in ends)
    assert ends[0][1] == [("c", 1, "You have reached Ann please leave a message.")]


def test_raw_and_redacted_are_two_rows_and_a_newer_analysis_wins(tmp_path: Path) -> None:
    """Both outputs are held; of two analyses of one output the time in the name decides, whatever came last."""
    redacted = LENS.replace("Voice/", "Voice/Redacted/").replace("analysis_", "analysis_redacted_")
    put(tmp_path / "t", redacted, lens(TALK, is_redacted=True))
    put(tmp_path / "t", LENS.replace("21:14:16", "22:00:00"), lens(GREETING), at=1_771_000_000)
    put(tmp_path / "t", LENS, lens(TALK), at=1_771_500_000)
    with opened(tmp_path / "home") as home:
        assert load(home, tmp_path / "t").counts == Counts(read=3, inserted=2, superseded=1)
        rows = home.con.execute(
            "SELECT output, turn_count, written_at FROM post_call_analytics.transcript ORDER BY 1"
        ).fetchall()
        one = home.con.execute("SELECT count(*) FROM connect_datalake.contact_lens_conversational_analytics").fetchall()
    assert [row[:2] for row in rows] == [("raw", 1), ("redacted", 3)]
    assert (str(rows[0][2]), one) == ("2026-02-11 22:00:00", [(1,)])


@pytest.mark.parametrize("mode", ["hash", "drop", "keep"])
def test_turns_with_a_number_or_an_address_are_hidden_whole(tmp_path: Path, mode: str) -> None:
    """By value, as in free text elsewhere; summaries and details too; the hash of the row does not tell either."""
    said = [("far", "Call me at +15535550143 please.", 0, 9), ("near", "I will.", 10, 12)]
    document = lens(
        said, ContactSummary={"AutoGenerated": {"OverallSummary": {"Content": "Wrote to ann@example.com."}}}
    )
    document["Transcript"][1]["IssuesDetected"] = [{"Text": "mail ann@example.com"}]
    put(tmp_path / "t", LENS, document)
    with opened(tmp_path / "home", pii=mode) as home:
        load(home, tmp_path / "t")
        rows = home.con.execute(
            "SELECT content, details FROM post_call_analytics.transcript_turn ORDER BY turn_number"
        ).fetchall()
        summary = home.con.execute("SELECT analysis.summary FROM post_call_analytics.transcript").fetchall()[0][0]
        (hash_,) = home.con.execute("SELECT record_hash FROM post_call_analytics.f_transcript").fetchall()[0]
    shown = json.dumps([rows, summary])
    assert rows[1][0] == "I will."
    assert ("+15535550143" in shown, "ann@example.com" in shown) == ((mode == "keep"),) * 2
    assert (rows[0][0] is None) == (mode == "drop")
    with opened(tmp_path / "other", pii="hash", pii_key="another key") as home:
        load(home, tmp_path / "t")
        assert home.con.execute("SELECT record_hash FROM post_call_analytics.f_transcript").fetchall() == [(hash_,)]


def test_a_dead_letter_is_replayed_by_the_same_reader(tmp_path: Path) -> None:
    """A file whose name told no call is read once the setting knows it; its bytes are a transcript still."""
    put(tmp_path / "t", "calls/c-1.json", transcribe(TALK, "speaker"))
    put(tmp_path / "t", "calls/c-2.json", b"{}")
    with opened(tmp_path / "home") as home:
        assert load(home, tmp_path / "t").counts == Counts(read=2, dead_letter=2)
        assert {one.reason for one in letters(home, TRANSCRIPT)} == {"missing_key", "unknown_shape"}
    with opened(tmp_path / "home", transcript_keys="calls/{call_id}.json") as home:
        replay(home, TRANSCRIPT, letters(home, TRANSCRIPT))
        assert [row["call_id"] for row in table(home, TRANSCRIPT)] == ["c-1"]
        assert [one.reason for one in letters(home, TRANSCRIPT)] == ["unknown_shape"]
        assert totals(home, TRANSCRIPT) == Counts(read=2, inserted=1, dead_letter=1)


def test_turns_with_an_invalid_time_are_kept_beside_the_transcript(tmp_path: Path) -> None:
    """The time alone is NULL, its value is kept in record_unmapped, and the load reports a type change."""
    put(tmp_path / "t", LENS, chat([("AGENT", "secret words", "25:99:00")]))
    with opened(tmp_path / "home") as home:
        result = load(home, tmp_path / "t")
        assert result.counts == Counts(read=1, inserted=1)
        assert letters(home, TRANSCRIPT) == []
        assert any("turns" in path for path in result.drifts[0].type_changes)
        (row,) = table(home, TRANSCRIPT)
    assert [turn["participant"] for turn in row["turns"]] == ["AGENT"]
    assert "25:99:00" in row["record_unmapped"]


def test_unknown_keys_are_unmapped(tmp_path: Path) -> None:
    """New keys of a file are kept beside the row, and told as drift."""
    put(tmp_path / "t", "transcripts/c.json", transcribe(TALK, "speaker", toxicity=[1]) | {"New": "value"})
    with opened(tmp_path / "home") as home:
        assert set(load(home, tmp_path / "t").drifts[0].unknown) == {"New", "results"}
        (row,) = table(home, TRANSCRIPT)
    assert json.loads(row["record_unmapped"]) == {"New": "value", "results": {"toxicity": [1]}}


QUERIES = {
    "25": "SELECT AVG(talk_time_total_ms) AS average FROM contact_lens_conversational_analytics WHERE channel = 'VOICE' "
          "AND instance_id = 'i-1' AND disconnect_timestamp >= TIMESTAMP '2026-03-03 00:00:00'",
    "26": "SELECT AVG(non_talk_time_total_ms) FROM contact_lens_conversational_analytics WHERE channel = 'VOICE'",
    "27": "SELECT AVG(sentiment_overall_score_agent), AVG(sentiment_overall_score_customer), "
          "AVG(sentiment_end_score_agent), AVG(sentiment_end_score_customer) FROM contact_lens_conversational_analytics",
    "28": "SELECT AVG(CAST(interruptions_agent_count AS DOUBLE)) FROM contact_lens_conversational_analytics "
          "WHERE channel = 'VOICE'",
    "46": "SELECT cr.queue_id, cr.agent_id, cr.agent_interaction_duration_ms, cl.talk_time_agent_ms, "
          "cl.talk_time_customer_ms, cl.sentiment_overall_score_agent, cl.sentiment_overall_score_customer "
          "FROM contact_record cr JOIN contact_lens_conversational_analytics cl ON cr.contact_id = cl.contact_id "
          "AND cr.instance_id = cl.instance_id WHERE cr.channel = 'VOICE'",
}  # fmt: skip
"""Amazon's reference queries over the table, by their number in the list of the administrator guide."""


def test_amazons_queries_over_conversational_analytics_run_unchanged(tmp_path: Path) -> None:
    """The table has Amazon's 35 columns, its instance and end from the contact record; its queries answer."""
    from homes import contact, write

    put(tmp_path / "t", LENS, lens(TALK))
    put(tmp_path / "t", LENS.replace("c_", "no-contact_"), lens(TALK))
    put(tmp_path / "t", "transcripts/c.json", call_analytics(TALK))
    with opened(tmp_path / "home") as home:
        load(home, tmp_path / "t")
        load_into(home, write(tmp_path / "contacts.json", contact("c")))
    with open_reader(settings_of(tmp_path / "home")) as reader:
        whole = query(reader, "SELECT * FROM contact_lens_conversational_analytics ORDER BY contact_id")
        assert (len(whole.columns), len(whole.rows)) == (35, 2)
        rows = [dict(zip(whole.columns, row, strict=True)) for row in whole.rows]
        answers = {number: query(reader, sql, "athena").rows for number, sql in QUERIES.items()}
    assert [str(row["disconnect_timestamp"]) for row in rows] == ["2026-03-03 10:05:00", "None"]
    assert (rows[0]["instance_id"], rows[1]["instance_id"], rows[0]["categories"]) == ("i-1", None, ["greeting"])
    assert answers["25"] == [(28_698.0,)]
    assert answers["26"] == [(120.0,)]
    assert answers["27"] == [(0.0, 3.1, None, 5.0)]
    assert answers["28"] == [(2.0,)]
    assert answers["46"] == [("q-1", "a-1", 134_000, 15_079, 13_619, 0.0, 3.1)]


@pytest.mark.skipif(SAMPLES is None, reason="the documents' sample files are not here")
def test_the_documents_own_samples_are_loaded(tmp_path: Path) -> None:
    """Amazon's chat file gives Amazon's columns."""
    assert SAMPLES is not None
    sample = SAMPLES / "awsdocs_amazon-connect-admin-guide/contact-lens-example-output-files-chat.1.json"
    put(tmp_path / "t", "Analysis/Chat/2022/10/27/x_analysis_2022-10-27T03:40:00Z.json", sample.read_bytes())
    with opened(tmp_path / "home") as home:
        load(home, tmp_path / "t")
        names = (
            "greeting_time_agent_ms",
            "response_time_maximum_customer_ms",
            "sentiment_end_score_customer",
            "channel",
        )
        found = home.con.execute(
            f"SELECT {', '.join(names)} FROM connect_datalake.contact_lens_conversational_analytics"
        ).fetchall()
        assert len(turns(home)) == 35
    assert found == [(2511, 11_366, 3.75, "CHAT")]


@pytest.mark.parametrize("is_changed", [False, True])
def test_a_run_that_died_after_planning_is_finished(tmp_path: Path, is_changed: bool) -> None:
    """The plan's files are read again; where one was written anew meanwhile, its new version is loaded instead."""
    for name in ("a", "b"):
        put(tmp_path / "t", f"transcripts/{name}.json", transcribe(TALK, "speaker"))
    with opened(tmp_path / "home") as home:
        files = list_files(TRANSCRIPT, [str(tmp_path / "t")])
        (framed,) = file_source(Runner(home, TRANSCRIPT).context, files).read({})
        assert framed is not None
        batches.record_plan(home.store, framed.plan)
    if is_changed:
        put(tmp_path / "t", "transcripts/b.json", transcribe(GREETING, "speaker"), at=1_771_000_500)
    with opened(tmp_path / "home") as home:
        result = load(home, tmp_path / "t")
        assert (result.recovered, result.counts.read) == (1, 1 if is_changed else 0)
        assert [row["turn_count"] for row in table(home, TRANSCRIPT)] == [3, 1 if is_changed else 3]
        assert totals(home, TRANSCRIPT) == Counts(read=2, inserted=2)
        assert list(home.store.list(layout.plan_prefix(TRANSCRIPT.name))) == []
