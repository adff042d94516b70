"""`trunkline release` as a person uses it."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("psycopg", reason="psycopg is not installed")

from releases import BUCKET, KEY, RAN, THREE, names
from trunkline.cli.main import run

TARGET = ["--target", "redshift+data://analytics/dev?db_user=loader&region=us-east-1"]


@pytest.fixture
def place(tmp_path):
    (tmp_path / "Rel1.txt").write_text(THREE)
    return str(tmp_path)


def test_plan_and_dry_run_show_statements_and_values(place, endpoint, capsys) -> None:
    """No request to Redshift; a target is not needed."""
    shown = []
    for command in (["plan", place], ["run", place, "--dry-run"]):
        assert run(["release", *command, "--output", "json"]) == 0
        shown.append(json.loads(capsys.readouterr().out))
    assert shown[0] == shown[1]
    assert [row["procedure"] for row in shown[0]] == [f"connect.{name}" for name in RAN]
    assert shown[0][1]["values"] == {"a1": "2026-03-01", "a2": "7", "a3": "it's"}
    assert endpoint.requests == []


def test_run_gives_the_result_object_and_the_exit_code(place, endpoint, query, capsys) -> None:
    """JSON is the result object; a table is for people; progress goes to standard error."""
    assert run(["release", "run", place, *TARGET, "--output", "json"]) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    assert (result["statusCode"], result["body"]["successful_procedures"]) == (200, 3)
    assert "2 of 3 FINISHED: connect.load_facts" in captured.err
    assert run(["release", "run", place, *TARGET]) == 0
    assert "connect.load_last" in capsys.readouterr().out
    assert names(query) == RAN * 2
    assert {one["DbUser"] for one in endpoint.executed()} == {"loader"}


def test_run_from_s3_with_the_functions_variables(s3, endpoint, query, monkeypatch, capsys) -> None:
    """CLUSTER_ID, DATABASE and DB_USER name the target."""
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=THREE.encode())
    s3.put_object(Bucket=BUCKET, Key="Redshift/Rel2.txt", Body=b"connect.broken")
    for name, value in {"CLUSTER_ID": "analytics", "DATABASE": "dev", "DB_USER": "loader"}.items():
        monkeypatch.setenv(name, value)
    assert run(["release", "run", f"s3://{BUCKET}/Redshift/Rel"]) == 0
    assert "2 files match" in capsys.readouterr().err
    assert names(query) == RAN
    assert run(["release", "run", f"s3://{BUCKET}/Redshift/Rel", "--pick", "latest", "--output", "csv"]) == 1
    assert 'column ""x"" does not exist' in capsys.readouterr().out
    assert f"{KEY}.state.json" in [one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]


def test_without_a_place_the_environment_names_one(s3, monkeypatch, capsys) -> None:
    """RELEASE_BUCKET has no default for the command."""
    for command in (["plan"], ["run", *TARGET]):
        assert run(["release", *command]) == 2
        assert "RELEASE_BUCKET" in capsys.readouterr().err
    s3.put_object(Bucket=BUCKET, Key="nightly/Rel1.txt", Body=THREE.encode())
    monkeypatch.setenv("RELEASE_BUCKET", BUCKET)
    monkeypatch.setenv("RELEASE_PREFIX", "nightly/")
    assert run(["release", "plan", "--output", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 3


def test_wrong_usage_and_failures(place, tmp_path, endpoint, capsys) -> None:
    """No target and no file are wrong usage; a bad file and a failure exit 1; nothing is started."""
    assert run(["release", "run", place]) == 2
    assert "CLUSTER_ID" in capsys.readouterr().err
    assert run(["release", "run", place, "--target", "postgres://x"]) == 2
    assert run(["release", "plan", str(tmp_path / "no")]) == 2
    (tmp_path / "Rel0.txt").write_text("a()\nDROP TABLE done")
    assert run(["release", "run", place, *TARGET]) == 1
    assert "Rel0.txt:2:1: DROP" in capsys.readouterr().err
    assert endpoint.requests == []
