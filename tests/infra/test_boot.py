"""The packages as Lambda runs them: each function boots from its zip alone and answers an event of each trigger.

`make infra` builds the zips for this interpreter first. Memory and cold start are measured and printed.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
import redshift_home
import redshift_on_postgres
from connect import MODEL
from custom_resource import CustomResourceStack
from dynamo_tables import call, change, event
from homes import contact
from lambda_events import AGENT, CONTACT_EVENT, firehose, from_eventbridge, from_kinesis, from_s3, from_sqs
from moto.moto_api._internal import moto_api_backend
from own_zip import EXPECTED, ROWS, locked_package, write_shop
from redshift_home import URL, Redshift, make_database, redshift_of
from redshift_merges import warehouse_of
from transcript_files import TALK, transcribe

from releases import BUCKET, KEY
from tools.packages import GROUPS, MB, ROOT, zip_name
from tools.packages import main as build_packages
from trunkline import clock
from trunkline.deploy.functions import FUNCTIONS
from trunkline.deploy.stages import STAGES
from trunkline.objects.catalogue import OBJECTS
from trunkline.simulator.centre.centre import INSTANCE_ARN
from trunkline.simulator.connect_api.answers import Quotas
from trunkline.simulator.connect_api.contacts import simulate_instance
from trunkline.simulator.connect_api.http import served
from trunkline.simulator.connect_api.instance import ConnectApi
from trunkline.simulator.spec import Spec

pytestmark = pytest.mark.infra

OPERATIONS = (
    "SearchContacts", "DescribeContact", "ListQueues", "ListUsers", "ListUserHierarchyGroups", "ListRoutingProfiles",
    "GetCurrentUserData", "GetCurrentMetricData",
)  # fmt: skip
RECORD = contact("c-1") | {"AWSContactTraceRecordFormatVersion": "2017-03-10"}
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
ARCHITECTURE = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
COLD_RATIO_MAX = {"light": 1.3, "full": 2.0}
THERE = from_s3("recordings", "transcripts/there.json")
PROXY = {
    "resource": "/releases", "httpMethod": "POST", "requestContext": {"requestId": "r-1", "stage": "prod"},
    "headers": {"content-type": "application/json"}, "body": "{}", "isBase64Encoded": False,
}  # fmt: skip
SCHEDULED = {
    "version": "0", "id": "s-1", "detail-type": "Scheduled Event", "source": "aws.scheduler", "detail": {},
    "time": "2026-11-30T13:40:00Z", "region": "us-east-1", "account": "123456789012", "resources": [],
}  # fmt: skip
# Each trigger of each function: its event, and what the answer must say.
CASES: dict[tuple[str, str], tuple[Any, Callable[[Any], bool]]] = {
    ("event_processor", "kinesis"): (from_kinesis(RECORD, AGENT), lambda a: a["processed"] == 2),
    ("event_processor", "sqs"): (from_sqs(json.dumps(CONTACT_EVENT)), lambda a: a["processed"] == 1),
    ("event_processor", "eventbridge"): (from_eventbridge(3), lambda a: a["processed"] == 1),
    ("stream_processor", "dynamodb"): (event(change(1, new=call("there"))), lambda a: a["processed"] == 1),
    ("transcript_arrived", "s3"): (THERE, lambda a: a["statusCode"] == 200),
    ("transcript_arrived", "sqs"): (from_sqs(json.dumps(THERE)), lambda a: a["batchItemFailures"] == []),
    ("transcript_arrived", "eventbridge"): (
        {"source": "aws.s3", "detail-type": "Object Created",
         "detail": {"bucket": {"name": "recordings"}, "object": {"key": "transcripts/there.json"}}},
        lambda a: a["statusCode"] == 200,
    ),
    ("collect", "schedule"): (SCHEDULED, lambda a: a["is_done"] and a["instances"][0]["instance"] == INSTANCE_ARN),
    ("persist_agent_event", "kinesis"): (from_kinesis(AGENT, RECORD), lambda a: (a["written"], a["ignored"]) == (1, 1)),
    ("persist_contact_event", "sqs"): (from_sqs(json.dumps(CONTACT_EVENT)), lambda a: a["written"] == 1),
    ("persist_contact_event", "eventbridge"): (from_eventbridge(), lambda a: a["written"] == 1),
    ("persist_instance_data", "schedule"): (SCHEDULED, lambda a: a["written"] > 5 and not a["unfinished"]),
    ("firehose_framing", "firehose"): (firehose(b'{"a": 1}'), lambda a: a["records"][0]["result"] == "Ok"),
    ("release", "api"): (PROXY, lambda a: a["statusCode"] == 200 and json.loads(a["body"])["total_procedures"] == 1),
    ("release", "eventbridge"): (
        {**SCHEDULED, "detail": {"stored_procedure_name": "connect.load_last"}},
        lambda a: a["statusCode"] == 200 and a["body"]["successful_procedures"] == 1,
    ),
    ("install_warehouse", "cloudformation"): (
        lambda: CustomResourceStack().request("Create"), lambda a: a["status"] == "SUCCESS",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The groups' zips for this interpreter, unpacked."""
    from lambda_runtime import unpack

    unpacked = {}
    for group in GROUPS:
        package = ROOT / "build" / "lambda" / zip_name(group.name, ARCHITECTURE, PYTHON)
        if not package.exists():
            pytest.skip(f"{package.name} is not built: make infra")
        unpacked[group.name] = unpack(package, tmp_path_factory.mktemp(group.name))
    return unpacked


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Awslambdaric alone."""
    pytest.importorskip("awslambdaric", reason="awslambdaric is not installed: make infra")
    from lambda_runtime import runtime_folder

    return runtime_folder(tmp_path_factory.mktemp("runtime") / "packages")


@pytest.fixture
def cloud(endpoint: Any) -> Iterator[dict[str, str]]:
    """AWS over HTTP, filled with what events name; the variables by which functions reach it.

    Moto for storage, and the emulators of the Connect API and of Redshift's Data API.
    """
    server = pytest.importorskip("moto.server", reason="moto's server is not installed: make infra")
    aws = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    aws.start()
    moto_api_backend.reset()
    host, port = aws.get_host_and_port()
    url = f"http://{host}:{port}"
    with served(_instance()) as connect_url:
        yield _filled(url) | {
            "AWS_ENDPOINT_URL": url, "AWS_ENDPOINT_URL_REDSHIFT_DATA": endpoint.url, "ANALYTICS_BUCKET": "lake",
            "TRANSCRIBE_BUCKET": "recordings", "TRUNKLINE_CONNECT_ENDPOINT": connect_url,
            "TRUNKLINE_CONNECT_INSTANCES": INSTANCE_ARN, "CLUSTER_ID": "analytics", "DATABASE": "dev",
            "TRUNKLINE_CONNECT_QUOTA": ",".join(f"{name}=1000" for name in OPERATIONS), "DB_USER": "loader",
        }  # fmt: skip
    aws.stop()


def _instance() -> ConnectApi:
    def now_s() -> float:
        return clock.now().timestamp()

    yesterday = (clock.now() - timedelta(days=1)).date()
    instance = simulate_instance(Spec(contacts=24, seed=1, date=yesterday), INSTANCE_ARN)
    quotas = Quotas(now_s, dict.fromkeys(OPERATIONS, (1000.0, 1000.0)))
    return ConnectApi([instance], now_s, quotas=quotas, check=MODEL("connect"))


def _filled(url: str) -> dict[str, str]:
    """Buckets, a transcript, a release, a queue and secrets; the variables that name the last two."""
    s3 = boto3.client("s3", endpoint_url=url)
    for name in ("lake", "recordings", BUCKET):
        s3.create_bucket(Bucket=name)
    body = json.dumps(transcribe(TALK, "channel")).encode()
    s3.put_object(Bucket="recordings", Key="transcripts/there.json", Body=body)
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"connect.load_dims\n")
    secret = boto3.client("secretsmanager", endpoint_url=url).create_secret(Name="pii", SecretString="k" * 40)
    letters = boto3.client("sqs", endpoint_url=url).create_queue(QueueName="letters")["QueueUrl"]
    return {
        "TRUNKLINE_PII_KEY": f"secretsmanager:{secret['ARN']}", "TRUNKLINE_LETTER_QUEUE": letters.replace("http://", "https://"),
        "TRUNKLINE_HOME": "",
    }  # fmt: skip


@pytest.fixture
def warehouse(endpoint: Any, postgres_uri: str) -> str:
    """The URL of an empty warehouse behind the same emulator."""
    endpoint.databases["warehouse"] = redshift_home.make_database(postgres_uri, "boot_warehouse")
    endpoint.translate = redshift_on_postgres.translated
    return "redshift+data://analytics/warehouse?db_user=loader"


def test_every_trigger_has_an_event() -> None:
    """A trigger that is declared and not tried would be found out by the first user."""
    assert set(CASES) == {(name, event) for name, function in FUNCTIONS.items() for event in function.events}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_package_boots_and_answers(
    name: str,
    packages: dict[str, Path],
    runtime: Path,
    cloud: dict[str, str],
    tmp_path: Path,
    capsys: Any,
    request: pytest.FixtureRequest,
) -> None:
    """From the zip alone, under Lambda's own client, within the memory that the function is given."""
    from lambda_runtime import booted

    function = FUNCTIONS[name]
    variables = cloud | {"TRUNKLINE_HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    if name == "collect":
        variables["TRUNKLINE_LAKE"] = "s3://lake"
    if name == "install_warehouse":
        variables = variables | {"TRUNKLINE_WAREHOUSE": request.getfixturevalue("warehouse")}
        del variables["TRUNKLINE_PII_KEY"]  # its role may not read it
    if name == "firehose_framing":
        del variables["TRUNKLINE_PII_KEY"]  # its stack gives it no secret, since it needs none
    with booted(packages[function.package], runtime, function.handler, variables) as process:
        for trigger in function.events:
            delivered, is_right = CASES[name, trigger]
            answer = process.invoke(delivered() if callable(delivered) else delivered)
            assert is_right(answer), (trigger, answer)
        peak_mb = process.peak_mb
    with capsys.disabled():
        sys.stdout.write(f"\n{name}: boots in {process.cold_s:.2f} s, {peak_mb:.0f} MB of {function.memory_mb}\n")
    assert peak_mb < 0.9 * function.memory_mb


@dataclass
class BootedStages:
    """The functions of state machines, each booted from the zip alone for one event, as a state machine calls them."""

    code: Path
    runtime: Path
    variables: dict[str, str]
    peaks_mb: dict[str, float] = field(default_factory=dict)

    def call(self, name: str, event: Mapping[str, Any], **variables: str | None) -> Any:
        """The function's answer; None for a variable leaves it out. Raises RuntimeError with the function's error."""
        from lambda_runtime import booted

        handler = STAGES[f"stages.{name}"].handler
        given = {name: text for name, text in (self.variables | variables).items() if text is not None}
        with booted(self.code, self.runtime, handler, given) as process:
            try:
                return process.invoke(event, wait_s=300)
            finally:
                self.peaks_mb[name] = process.peak_mb


@pytest.fixture(scope="module")
def loaded(postgres_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redshift]:
    """An emulated one with the whole catalogue's tables."""
    with redshift_of(make_database(postgres_uri, "booted_stages")) as made:
        with warehouse_of(made, tmp_path_factory.mktemp("install")) as warehouse:
            warehouse.install(list(OBJECTS.values()), [])
        yield made


@pytest.fixture
def stages(
    loaded: Redshift, packages: dict[str, Path], runtime: Path, cloud: dict[str, str], tmp_path: Path
) -> BootedStages:
    """A lake, a place with one agent event, and a state machine, besides what other functions have."""
    s3 = boto3.client("s3", endpoint_url=cloud["AWS_ENDPOINT_URL"])
    for bucket in ("staging", "arriving"):
        s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket="arriving", Key="agent-events/a.json", Body=json.dumps(AGENT).encode())
    variables = _stage_variables(cloud, loaded, tmp_path)
    variables["TRUNKLINE_RUN_SOURCES"] = "agent_event=s3://arriving/agent-events/"
    return BootedStages(packages["full"], runtime, variables)


def _stage_variables(cloud: dict[str, str], redshift: Redshift, scratch: Path) -> dict[str, str]:
    """The variables of functions that reach this warehouse, without those of other functions."""
    variables = cloud | {
        "TMPDIR": str(scratch), "TRUNKLINE_WAREHOUSE": URL, "AWS_ENDPOINT_URL_REDSHIFT_DATA": redshift.emulator.url,
    }  # fmt: skip
    for name in ("TRUNKLINE_HOME", "TRANSCRIBE_BUCKET", "CLUSTER_ID", "DATABASE", "DB_USER", "TRUNKLINE_LETTER_QUEUE"):
        del variables[name]
    return variables


def test_the_stages_of_a_run_boot_and_answer(stages: BootedStages, loaded: Redshift, capsys: Any) -> None:
    """A run of one object from its file in S3 to its row in the warehouse, and the end of one that failed."""
    event: dict[str, Any] = {"object": "agent_event", "started_by": "state machine", "execution": "e-1"}
    begun = stages.call("begin", event)
    assert begun["is_due"]
    event["run_id"] = begun["run_id"]
    assert stages.call("extract", event) == {"is_done": True, "batches": 1, "rows_read": 1}
    assert stages.call("stage", event) == {"method": "insert", "batches": 1, "rows": 1}
    assert stages.call("load", event | {"method": "insert"}) == {"is_done": True, "rows_changed": 1}
    assert stages.call("verify", event) == {"rows": 1}
    assert stages.call("notify", event)["state"] == "succeeded"
    assert loaded.query("SELECT COUNT(*) FROM connect.f_agent_event") == [(1,)]
    failure = {"failure": {"Error": "TerminalError", "Cause": "no access"}, "step": "begin", "run_id": ""}
    not_redriven = {"begun_at_redrive": 0, "redrive": 0}
    with pytest.raises(RuntimeError, match=r'"errorType": "RunFailedError"'):
        stages.call("record_failure", event | failure | {"execution": "e-2"} | not_redriven)
    results = {"results": [[{"object": "agent_event", "is_failed": False}]], **not_redriven}
    assert stages.call("summarize", results)["succeeded"] == ["agent_event"]
    with capsys.disabled():
        peaks = ", ".join(f"{name} {peak:.0f}" for name, peak in stages.peaks_mb.items())
        sys.stdout.write(f"\nmemory of the stages, MB: {peaks}\n")
    limits = {name: STAGES[f"stages.{name}"].memory_mb for name in stages.peaks_mb}
    assert {name: peak for name, peak in stages.peaks_mb.items() if peak >= 0.9 * limits[name]} == {}


@pytest.fixture
def shop_warehouse(postgres_uri: str, tmp_path: Path) -> Iterator[Redshift]:
    """An emulated one, also with the table of an own object that is declared in the folder `home`, with its hook."""
    shop = write_shop(tmp_path / "home")
    with redshift_of(make_database(postgres_uri, "booted_shop")) as made:
        with warehouse_of(made, tmp_path / "install") as warehouse:
            warehouse.install([*OBJECTS.values(), shop], [])
        yield made


@pytest.fixture
def shop_stages(shop_warehouse: Redshift, runtime: Path, cloud: dict[str, str], tmp_path: Path) -> BootedStages:
    """Functions whose zip `make packages` built with an own object, its hook and the hook's package."""
    from lambda_runtime import unpack

    lock = locked_package(tmp_path / "hook.txt")
    options = ["--python", PYTHON, "--architecture", ARCHITECTURE, "--out", str(tmp_path)]
    assert build_packages([*options, "--objects", str(tmp_path / "home"), "--requirements", str(lock)]) == 0
    code = unpack(tmp_path / zip_name("full", ARCHITECTURE, PYTHON), tmp_path / "full")
    s3 = boto3.client("s3", endpoint_url=cloud["AWS_ENDPOINT_URL"])
    for bucket in ("staging", "exports"):
        s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket="exports", Key="shops/1.csv", Body=ROWS.encode())
    return BootedStages(code, runtime, _stage_variables(cloud, shop_warehouse, tmp_path))


def test_an_own_object_and_its_hook_run_from_the_zip(
    shop_stages: BootedStages, shop_warehouse: Redshift, tmp_path: Path
) -> None:
    """From its declared source into the lake and the warehouse, each row as the hook makes it with its own package."""
    event: dict[str, Any] = {"object": "shop", "started_by": "state machine", "execution": "e-1"}
    event["run_id"] = shop_stages.call("begin", event)["run_id"]
    assert shop_stages.call("extract", event) == {"is_done": True, "batches": 1, "rows_read": 2}
    s3 = boto3.client("s3", endpoint_url=shop_stages.variables["AWS_ENDPOINT_URL"])
    (entry,) = s3.list_objects_v2(Bucket="lake", Prefix="own/shop/")["Contents"]
    s3.download_file("lake", entry["Key"], str(tmp_path / "shop.parquet"))
    import duckdb

    rows = duckdb.sql(f"SELECT id, site FROM '{tmp_path}/shop.parquet' ORDER BY id").fetchall()
    assert rows == EXPECTED
    assert shop_stages.call("stage", event) == {"method": "insert", "batches": 1, "rows": 2}
    assert shop_stages.call("load", event | {"method": "insert"}) == {"is_done": True, "rows_changed": 2}
    assert shop_stages.call("verify", event) == {"rows": 2}
    assert shop_stages.call("notify", event)["state"] == "succeeded"
    assert shop_warehouse.query("SELECT id, site FROM connect.shop ORDER BY id") == EXPECTED
    files = {"object": "shop", "Items": [{"Bucket": "exports", "Key": "shops/1.csv"}]}
    assert shop_stages.call("backfill_files", files) == {"rows_read": 2, "dead_letter": 0, "batches": 1}


def test_what_starts_and_backfills_boots_and_answers(stages: BootedStages) -> None:
    """A firing starts an execution by the name of its window; the files of a list are put into the lake."""
    client = boto3.client("stepfunctions", endpoint_url=stages.variables["AWS_ENDPOINT_URL"])
    definition = '{"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}'
    role = "arn:aws:iam::123456789012:role/states"
    machine = client.create_state_machine(name="agents", definition=definition, roleArn=role)["stateMachineArn"]
    firing = {"object": "agent_event", "state_machine": machine, "time": "2026-03-02T14:00:30Z"}
    started = stages.call(
        "start_run", firing, TRUNKLINE_PII_KEY=None, TRUNKLINE_RUN_SCHEDULES="agent_event=rate(1 hour)"
    )
    assert started["name"] == "agent_event-20260302T140000Z"
    files = {"object": "agent_event", "Items": [{"Bucket": "arriving", "Key": "agent-events/a.json"}]}
    assert stages.call("backfill_files", files) == {"rows_read": 1, "dead_letter": 0, "batches": 1}


def test_an_error_reaches_lambda_by_its_name(packages: dict[str, Path], runtime: Path, cloud: dict[str, str]) -> None:
    """What Step Functions and alarms match is the class name; the message says what to do."""
    from lambda_runtime import booted

    function = FUNCTIONS["persist_contact_event"]
    variables = cloud | {"TRUNKLINE_LIVE_STORE": "mysql://x"}
    with (
        booted(packages["light"], runtime, function.handler, variables) as process,
        pytest.raises(RuntimeError, match=r'"errorType": "UsageError"'),
    ):
        process.invoke(from_eventbridge())


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_cold_imports_cost_little_more_than_boto3(group: Any, packages: dict[str, Path], capsys: Any) -> None:
    """CPU time of a fresh process that imports a handler and makes an S3 client, against boto3 alone; the dearest."""
    code, bare = packages[group.name], "import boto3; boto3.client('s3')"
    programs = {
        name: f"import trunkline.handlers.{name}; from trunkline.aws.clients import make_client; make_client('s3')"
        for name, function in FUNCTIONS.items()
        if function.package == group.name
    }
    once = {name: _cpu_s(code, program) for name, program in programs.items()}
    name = max(once, key=lambda name: once[name])
    # In turns, since a busy machine slows down what runs at that time.
    rounds = [{text: _cpu_s(code, text) for text in (bare, programs[name])} for _ in range(4)]
    least = {text: min(each[text] for each in rounds) for text in (bare, programs[name])}
    ours = least[programs[name]]
    with capsys.disabled():
        sys.stdout.write(f"\n{group.name}: {name} {ours:.2f} s of CPU, {least[bare]:.2f} s of boto3 alone\n")
    assert ours <= COLD_RATIO_MAX[group.name] * least[bare]


def _cpu_s(code: Path, program: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environ = {"PYTHONPATH": str(code), "PYTHONDONTWRITEBYTECODE": "1", "AWS_DEFAULT_REGION": "us-east-1"}
    subprocess.run([sys._base_executable, "-S", "-c", program], env=environ, check=True, cwd=os.sep)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_a_package_is_small(group: Any, packages: dict[str, Path]) -> None:
    """Unzipped, since that is what Lambda loads."""
    size = sum(path.stat().st_size for path in packages[group.name].rglob("*") if path.is_file())
    assert size <= group.unzipped_mb_max * MB
