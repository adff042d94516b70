"""A user's own object goes the whole way: the example file as it is shipped, from files to lake and warehouse."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from homes import lake_best, letters, load_into, settings_of, table, totals

from trunkline.pipelines.home import open_home
from trunkline.pipelines.jobs.upkeep import rebuild

EXAMPLE = Path(__file__).parents[2] / "examples" / "objects.toml"


def answer(survey_id: str, minute: int, **more: object) -> str:
    """One answer as the survey tool exports it."""
    base = {
        "surveyId": survey_id, "contact": {"id": "c1"}, "answeredAt": "2026-03-08T10:00:00Z",
        "updatedAt": f"2026-03-08T10:{minute:02}:00Z", "queueArn": "arn:x/queue/q1",
        "answers": {"score": 7, "comment": "fine"}, "durationSeconds": 12, "customer": {"phone": "+15535550143"},
        "tags": ["a", "b"], "labels": {"k": "v"}, "survey": {"b": 1, "a": [2]},
    }  # fmt: skip
    return json.dumps({**base, **more})


def test_the_example_goes_the_whole_way(tmp_path: Path) -> None:
    """The best answer per survey is in the table, the number is hidden, a wrong record is set aside, all adds up."""
    (tmp_path / "home").mkdir()
    shutil.copy(EXAMPLE, tmp_path / "home" / "objects.toml")
    file = tmp_path / "answers.jsonl"
    file.write_text(
        "\n".join(
            [
                answer("s1", 1),
                answer("s1", 3, tags=[]),
                answer("s1", 2),
                answer("s2", 1),
                answer("s3", 1, answeredAt="yesterday"),
            ]
        )
    )
    with open_home(settings_of(tmp_path / "home")) as home:
        obj = home.objects["survey_answer"]
        load_into(home, file, obj=obj)
        rows = table(home, obj)
        assert [(row["survey_id"], row["updated_at"].minute, row["tags"]) for row in rows] == [
            ("s1", 3, []), ("s2", 1, ["a", "b"]),
        ]  # fmt: skip
        assert rows[0]["survey"] == '{"a":[2],"b":1}'
        assert len(rows[0]["phone_number"]) == 32
        assert (totals(home, obj).read, totals(home, obj).dead_letter) == (5, 1)
        assert [one.reason for one in letters(home, obj)] == ["wrong_type"]
        assert home.con.execute("SELECT count(*) FROM survey.survey_answer").fetchall() == [(2,)]
        assert lake_best(home, obj) == rows
        rebuild(home, obj)
        assert table(home, obj) == rows
