"""A user's own objects in the Lambda functions: packed into the zip, read there, and allowed for."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from dynamo_tables import change, event
from moto import mock_aws
from own_zip import EXPECTED, ROWS, installed_package, write_shop
from stage_functions import STAGE_ARNS, STAGE_HANDLERS
from states_interpreter import for_interpreter, interpreting

from tools.packages import source_files, write_zip
from trunkline.cli.main import run
from trunkline.deploy.functions import FUNCTIONS
from trunkline.deploy.own_objects import own_objects, packaged_files, source_statements, with_own_objects
from trunkline.errors import UsageError
from trunkline.handlers import stream_processor
from trunkline.objects import catalogue
from trunkline.orchestration.machine import object_machine
from trunkline.pipelines.run import function
from trunkline.settings.installation import Settings

DEAL = """
[object.deal]
key = ["id"]
version = "changed"
event_time = "changed"
hook = "score:rate"

[object.deal.columns]
id = { path = "Id" }
amount = { type = "decimal", path = "Amount", scale = 2, sql = "replace(value, '$', '')" }
rating = { type = "integer" }
changed = { type = "timestamp", path = "Changed" }
"""
SOURCE = '\n[object.deal.source]\ntype = "files"\npaths = ["s3://exports/deals/"]\n'
HOOK = """
from .words import POINTS

def rate(table):
    return table.replace("rating", [POINTS.get(id, 0) for id in table.column("id")])
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder with an object, its hook, the module that this one imports, and what is not to be packed."""
    folder = tmp_path / "home"
    for name, text in {
        "objects/deal.toml": DEAL + SOURCE, "hooks/score.py": HOOK, "hooks/words.py": "POINTS = {'a': 5}\n",
        "hooks/__pycache__/x.pyc": "", "hooks/.secret": "", "trunkline.toml": "", "pii.key": "not for a zip",
    }.items():  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def task_root(own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """What a function finds: the unpacked zip, and nothing else of the home."""
    root = tmp_path / "task"
    write_zip(tmp_path / "full.zip", packaged_files(own))
    with zipfile.ZipFile(tmp_path / "full.zip") as archive:
        archive.extractall(root)
    for name, value in {
        "LAMBDA_TASK_ROOT": str(root), "ANALYTICS_BUCKET": "lake", "TRUNKLINE_PII": "keep", "TRUNKLINE_THREADS": "1",
        "POWERTOOLS_METRICS_DISABLED": "true", "TRUNKLINE_WAREHOUSE": f"duckdb://{tmp_path}/warehouse.duckdb",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    for cached in (function.function_settings, stream_processor._processor):
        cached.cache_clear()
    yield root
    for cached in (function.function_settings, stream_processor._processor):
        cached.cache_clear()


def test_a_zip_has_declarations_and_hooks_alone(own: Path) -> None:
    """No key, no settings, no bytecode; another folder is named where it has none."""
    assert set(packaged_files(own)) == {
        "own_objects/objects/deal.toml", "own_objects/hooks/score.py", "own_objects/hooks/words.py",
    }  # fmt: skip
    with pytest.raises(UsageError, match="declares no object"):
        packaged_files(own / "hooks")


SHEET = '''type = "sheet"
sheet = "1AbCdEfGhIjKlMnOpQrStUvWxYz-0123456789_abc"
tab = "Deals"
credentials = "file:/key.json"'''


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ('"score:rate"', '"json:loads"', "the hook json:loads of object deal is not in .*hooks"),
        (
            'type = "files"\npaths = ["s3://exports/deals/"]',
            SHEET,
            "has its secret in file:/key.json, and a function has no such file",
        ),
    ],
)
def test_what_a_function_would_lack_fails_the_build(own: Path, before: str, after: str, expected: str) -> None:
    """A hook of another package, and a secret in a file."""
    (own / "objects" / "deal.toml").write_text((DEAL + SOURCE).replace(before, after))
    with pytest.raises(UsageError, match=expected):
        packaged_files(own)


def test_a_state_machine_runs_an_own_object(
    task_root: Path, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From its declared source through rule and hook into the warehouse, with the functions that have its zip alone."""
    obj = own_objects(own)["deal"]
    monkeypatch.setattr(catalogue, "OBJECTS", {})  # the tables of the built-in ones take seconds to create
    monkeypatch.setattr(catalogue, "VIEWS", {})
    with mock_aws(config={"core": {"mock_credentials": False}}), interpreting(STAGE_HANDLERS) as interpreter:
        s3 = boto3.client("s3", region_name="us-east-1")
        for bucket in ("lake", "exports"):
            s3.create_bucket(Bucket=bucket)
        body = "Id,Amount,Changed\na,$12.50,2026-03-03T10:00:00Z\nb,7,2026-03-03T10:00:00Z\n"
        s3.put_object(Bucket="exports", Key="deals/1.csv", Body=body.encode())
        outcome = interpreter.run(interpreter.create("deal", for_interpreter(object_machine(obj), STAGE_ARNS)))
        assert outcome.status == "SUCCEEDED", outcome.cause
        assert (outcome.output["rows_read"], outcome.output["rows_changed"]) == (2, 2)
        keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket="lake", Prefix="own/")["Contents"]]
        s3.close()
    assert len(keys) == 1
    assert keys[0].startswith("own/deal/year=2026/month=03/day=03/")
    import duckdb

    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as con:
        rows = con.execute("SELECT id, amount::VARCHAR, rating FROM connect.deal ORDER BY id").fetchall()
    assert rows == [("a", "12.50", 5), ("b", "7.00", 0)]


RUN = """
import json, sys
from importlib import import_module

event = {"object": "shop", "started_by": "state machine", "execution": "e-1"}
answers = {}
for name in ("begin", "extract", "stage", "load", "verify", "notify"):
    answers[name] = import_module(f"trunkline.handlers.stages.{name}").handler(event | {"method": "insert"}, None)
    event["run_id"] = event.get("run_id") or answers[name]["run_id"]
import idna, trunkline
print(json.dumps({"answers": answers, "files": [idna.__file__, trunkline.__file__]}))
"""


def test_a_hook_finds_its_package_in_the_zip(tmp_path: Path) -> None:
    """A run in a process that has the code of the zip alone: the hook's package, the object, and the functions.

    `tests/infra` boots the same zip, with all that is locked for it, under Lambda's own client.
    """
    write_shop(tmp_path / "home")
    files = {**installed_package(), **dict(source_files()), **packaged_files(tmp_path / "home")}
    write_zip(tmp_path / "full.zip", files)
    root, arriving = tmp_path / "task", tmp_path / "arriving"
    with zipfile.ZipFile(tmp_path / "full.zip") as archive:
        archive.extractall(root)
    arriving.mkdir()
    (arriving / "1.csv").write_text(ROWS)
    variables = {
        "PYTHONPATH": str(root), "LAMBDA_TASK_ROOT": str(root), "POWERTOOLS_METRICS_DISABLED": "true",
        "TRUNKLINE_LAKE": f"file://{tmp_path}/lake", "TRUNKLINE_WAREHOUSE": f"duckdb://{tmp_path}/warehouse.duckdb",
        "TRUNKLINE_PII": "keep", "TRUNKLINE_THREADS": "1", "TRUNKLINE_RUN_SOURCES": f"shop={arriving}",
    }  # fmt: skip
    done = subprocess.run([sys.executable, "-c", RUN], env=variables, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    ran = json.loads(done.stdout.splitlines()[-1])  # after the log
    assert all(Path(file).is_relative_to(root) for file in ran["files"])
    assert ran["answers"]["notify"]["state"] == "succeeded"
    import duckdb

    (file,) = (tmp_path / "lake" / "own" / "shop").rglob("*.parquet")
    assert duckdb.sql(f"SELECT id, site FROM '{file}' ORDER BY id").fetchall() == EXPECTED
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as con:
        assert con.execute("SELECT id, site FROM connect.shop ORDER BY id").fetchall() == EXPECTED


def test_a_table_of_an_own_object_is_followed(task_root: Path, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rows are put into the own object's folder, which its role then allows, and no other one's."""
    monkeypatch.setenv("TRUNKLINE_DYNAMODB_TABLES", "deals=deal")
    stream = "arn:aws:dynamodb:us-east-1:111122223333:table/deals/stream/x"
    item = {"Id": {"S": "a"}, "Amount": {"S": "$3"}, "Changed": {"S": "2026-02-11T10:00:00Z"}}
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="lake")
        answer = stream_processor.handler(event(change(1, new=item, stream=stream)), None)
        keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket="lake")["Contents"]]
    assert (answer["statusCode"], answer["processed"], answer["set_aside"]) == (200, 1, 0)
    written = with_own_objects(FUNCTIONS["stream_processor"], own_objects(own).values())
    (prefixes,) = [grant.prefixes for grant in written.grants if grant.actions == ("s3:PutObject",)]
    assert "own/deal/" in prefixes
    assert all(key.startswith(prefixes) for key in keys)
    assert with_own_objects(FUNCTIONS["collect"], own_objects(own).values()) == FUNCTIONS["collect"]


def test_what_reading_declared_sources_needs(own: Path) -> None:
    """The prefix of the paths, the queue, the secrets, each once; a function's own Region and account by name."""
    (own / "objects" / "deal.toml").write_text(
        DEAL + SOURCE + 'discovery = "sqs"\nqueue = "new-deals"\n'
        + DEAL.replace("deal", "rate")
        + '\n[object.rate.source]\ntype = "http"\nurl = "https://api.example.com/rates"\n'
        'auth = { type = "header", secret = "secretsmanager:prod/rates#token" }\n'
    )  # fmt: skip
    statements = source_statements(own_objects(own).values(), "eu-west-2", "111122223333")
    assert [(each["Action"][-1], each["Resource"]) for each in statements] == [
        ("sqs:ChangeMessageVisibility", ["arn:aws:sqs:eu-west-2:111122223333:new-deals"]),
        ("s3:GetObject", ["arn:aws:s3:::exports/deals/*"]),
        ("secretsmanager:GetSecretValue", ["arn:aws:secretsmanager:eu-west-2:111122223333:secret:prod/rates-??????"]),
        ("s3:ListBucket", ["arn:aws:s3:::exports"]),
    ]
    assert statements[-1]["Condition"] == {"StringLike": {"s3:prefix": ["deals/*"]}}
    assert source_statements([]) == []


def test_the_definitions_of_a_home(own: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The command writes those of own objects, which the machine of all objects runs, and their schedule."""
    (own / "trunkline.toml").write_text('run_schedules = { deal = "cron(15 6 * * ? *)" }\nrun_zone = "Europe/Berlin"\n')
    out = tmp_path / "machines"
    assert run(["runs", "state-machines", "--out", str(out), "--home", str(own)]) == 0
    assert "Objects of your own: deal." in capfd.readouterr().out
    assert '"object": "deal"' in (out / "deal.asl.json").read_text()
    assert "${DealStateMachineArn}" in (out / "all_objects.asl.json").read_text()
    (schedule,) = [each for each in json.loads((out / "schedules.json").read_text()) if "deal" in each["Name"]]
    assert schedule["ScheduleExpression"] == "cron(15 6 * * ? *)"
    assert schedule["ScheduleExpressionTimezone"] == "Europe/Berlin"
    policy = json.loads((out / "extract_policy.json").read_text())
    assert policy["Statement"] == source_statements(own_objects(own).values())
    shipped = Path(__file__).parents[2] / "state_machines"
    assert {path.name for path in shipped.iterdir()} < {path.name for path in out.iterdir()}


def test_the_folder_of_own_objects_is_a_setting(own: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Beside the home or anywhere; one that does not exist is an error, and the zip's is used inside Lambda alone."""
    home = tmp_path / "other"
    home.mkdir()
    (home / "trunkline.toml").write_text('objects_folder = "../home"\n')
    assert run(["object", "show", "deal", "--home", str(home)]) == 0
    (home / "trunkline.toml").write_text('objects_folder = "../none"\n')
    assert run(["object", "show", "deal", "--home", str(home)]) == 2
    assert "objects_folder names" in capfd.readouterr().err
    packed = tmp_path / "task" / "own_objects"
    packed.mkdir(parents=True)
    assert Settings.load(home / "x", {"LAMBDA_TASK_ROOT": str(packed.parent)}).own_objects == packed
    assert Settings.load(home / "x", {"LAMBDA_TASK_ROOT": str(own)}).own_objects == home / "x"
    assert Settings.load(home / "x", {}).own_objects == home / "x"
