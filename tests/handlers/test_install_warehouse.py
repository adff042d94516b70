"""The custom resource that installs the warehouse: one answer to each request, whatever happens, and nothing lost."""

from __future__ import annotations

import logging
import re
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from custom_resource import STACK, CustomResourceStack, LambdaContext
from homes import NARROW
from redshift_data_emulator import Fault
from redshift_home import URL, Redshift, make_database, redshift_of

from trunkline.deploy import install_warehouse
from trunkline.deploy.install_warehouse import PHYSICAL_ID, VERSION_PROPERTY, version_of
from trunkline.errors import TransientError, UsageError
from trunkline.handlers.install_warehouse import handler
from trunkline.limits import INSTALL_MARGIN_S
from trunkline.objects.catalogue import OBJECTS

WIDER = replace(
    NARROW, columns=(*NARROW.columns, replace(NARROW.by_name["score"], name="more", path=("More",))), catalogue_version=2
)  # fmt: skip
COLUMNS = (
    "SELECT column_name FROM information_schema.columns WHERE table_schema = 'connect' AND table_name = 'f_narrow'"
)


@pytest.fixture(scope="module")
def database(postgres_uri: str) -> str:
    return make_database(postgres_uri, "redshift_custom_resource")


@pytest.fixture
def redshift(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Redshift]:
    """An empty one."""
    with psycopg.connect(database, autocommit=True) as connection:
        for schema in ("connect", "connect_datalake", "test", "ledger"):
            connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
    monkeypatch.setenv("TRUNKLINE_WAREHOUSE", URL)
    with redshift_of(database) as found:
        yield found


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CustomResourceStack:
    made = CustomResourceStack()
    monkeypatch.setenv("TRUNKLINE_HOME", str(tmp_path))
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", made.lambda_url)
    monkeypatch.setattr(install_warehouse, "INSTALL_PAUSE_S", 0)
    return made


@pytest.fixture
def install_only(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make a version of the catalogue the function's: a table of few columns installs in a moment."""

    def choose(*objects: Any) -> None:
        monkeypatch.setattr(install_warehouse, "load_objects", lambda _: {obj.name: obj for obj in objects})
        monkeypatch.setattr(install_warehouse, "warehouse_views", lambda _: ())

    choose(NARROW)
    return choose


def columns(redshift: Redshift) -> list[str]:
    return [name for (name,) in redshift.query(COLUMNS)]


def batches(redshift: Redshift) -> list[Any]:
    return [run.id for run in redshift.emulator.committed if run.is_batch]


OWN = """
[object.deal]
key = ["id"]
version = "changed"
event_time = "changed"

[object.deal.columns]
id = { path = "Id" }
changed = { type = "timestamp", path = "Changed" }
"""


def test_a_stack_installs_the_whole_catalogue(
    redshift: Redshift, stack: CustomResourceStack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: Any
) -> None:
    """Every object's table, view and procedure, the user's own in the zip too; the answer names the request."""
    package = tmp_path / "full.zip"
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("own_objects/objects.toml", OWN)
        archive.writestr("trunkline/x.py", "")
    zipfile.ZipFile(package).extractall(tmp_path / "task")
    monkeypatch.setenv("LAMBDA_TASK_ROOT", str(tmp_path / "task"))
    event = stack.request("Create", **{VERSION_PROPERTY: version_of(package, "UTC")})
    assert handler(event, LambdaContext())["status"] == "SUCCESS"
    assert "another version" not in caplog.text
    (answer,) = stack.answers
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", PHYSICAL_ID)
    assert (answer["StackId"], answer["LogicalResourceId"]) == (STACK, "Installation")
    assert answer["RequestId"] == event["RequestId"]
    assert redshift.query("SELECT count(*) FROM ledger.installation") == [(len(OBJECTS) + 1,)]
    assert redshift.query("SELECT object FROM ledger.installation WHERE object = 'deal'") == [("deal",)]
    for obj in OBJECTS.values():
        for relation in (obj.warehouse_table, obj.public_view):
            assert redshift.query(f"SELECT to_regclass('{relation}') IS NOT NULL") == [(True,)], relation
    assert redshift.query("SELECT count(*) > 0 FROM pg_proc WHERE proname = 'insert_new_f_calls'") == [(True,)]


@pytest.mark.usefixtures("install_only")
def test_a_repeated_creation_changes_nothing(redshift: Redshift, stack: CustomResourceStack) -> None:
    """Lambda may deliver an event twice: the second finds every statement done, and answers the same."""
    event = stack.request("Create")
    handler(event, LambdaContext())
    done = batches(redshift)
    handler(event, LambdaContext())
    assert [answer["Status"] for answer in stack.answers] == ["SUCCESS"] * 2
    assert len(batches(redshift)) - len(done) <= 2  # the record of the installation has a time


def test_an_update_adds_what_the_catalogue_has_gained(
    redshift: Redshift, stack: CustomResourceStack, install_only: Any
) -> None:
    """Rows stay, and so does the resource's id, whatever its properties: a new one would replace the resource."""
    handler(stack.request("Create", **{VERSION_PROPERTY: "1"}), LambdaContext())
    install_only(WIDER)
    event = stack.request("Update", "an id of an older version", **{VERSION_PROPERTY: "2", "Database": "other"})
    assert handler(event, LambdaContext())["status"] == "SUCCESS"
    assert stack.answers[-1]["PhysicalResourceId"] == "an id of an older version"
    assert "2 changes" in stack.answers[-1]["Reason"]
    assert "more" in columns(redshift)


@pytest.mark.usefixtures("install_only")
def test_deletion_leaves_everything(redshift: Redshift, stack: CustomResourceStack) -> None:
    """Also the deletion that follows a failed creation, in a database that cannot be reached."""
    handler(stack.request("Create"), LambdaContext())
    sent = len(redshift.emulator.requests)
    handler(stack.request("Delete", PHYSICAL_ID), LambdaContext())
    assert stack.answers[-1] == stack.answers[0] | {
        "RequestId": stack.answers[-1]["RequestId"], "Reason": stack.answers[-1]["Reason"],
    }  # fmt: skip
    assert "everything stays" in stack.answers[-1]["Reason"]
    assert len(redshift.emulator.requests) == sent
    assert "score" in columns(redshift)


def test_a_failure_says_why_and_changes_nothing(
    redshift: Redshift, stack: CustomResourceStack, install_only: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """A table that differs: what a person has to run, in an answer that is not too long, and no secret anywhere."""
    with psycopg.connect(redshift.uri, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA connect; CREATE TABLE connect.f_narrow (id text, score text)")
    wide = tuple(replace(NARROW.by_name["score"], name=f"c_{n}", path=(f"C{n}",), nullable=False) for n in range(90))
    install_only(replace(NARROW, columns=(*wide, *NARROW.columns)))
    redshift.query("INSERT INTO connect.f_narrow VALUES ('a', '1') RETURNING 1")
    with caplog.at_level(logging.INFO):
        assert handler(stack.request("Create"), LambdaContext())["status"] == "FAILED"
    (answer,) = stack.answers
    assert answer["Status"] == "FAILED"
    assert answer["PhysicalResourceId"] == PHYSICAL_ID
    assert "adapting it could lose data" in answer["Reason"]
    assert sorted(columns(redshift)) == ["id", "score"]
    assert stack.url not in caplog.text + answer["Reason"]
    assert "X-Amz-Signature" not in caplog.text


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"TRUNKLINE_WAREHOUSE": "duckdb:///tmp/x.duckdb"}, "names no database of a Redshift"),
        ({"TRUNKLINE_WAREHOUSE": URL.replace("//analytics", "//other")}, "endpoint doesn't exist"),
        ({"TRUNKLINE_WAREHOUSE": URL.replace("/dev", "/nothing")}, 'database "nothing" does not exist'),
        ({"TRUNKLINE_ZONE": "Mars/Olympus"}, "not an IANA time zone"),
        ({"AWS_ACCESS_KEY_ID": ""}, "AWS"),
    ],
)
@pytest.mark.usefixtures("install_only")
def test_whatever_is_wrong_is_answered(
    variables: dict[str, str],
    reason: str,
    redshift: Redshift,
    stack: CustomResourceStack,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Settings, the cluster, the database, credentials: CloudFormation need not wait an hour to fail."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert handler(stack.request("Create"), LambdaContext())["status"] == "FAILED"
    (answer,) = stack.answers
    assert reason in answer["Reason"]


@pytest.mark.usefixtures("install_only", "redshift")
def test_a_bug_is_answered_by_its_type_alone(stack: CustomResourceStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its text may hold anything."""

    def broken(*_: Any) -> None:
        raise KeyError("hunter2")

    monkeypatch.setattr(install_warehouse, "install", broken)
    assert handler(stack.request("Update", PHYSICAL_ID), LambdaContext())["status"] == "FAILED"
    (answer,) = stack.answers
    assert "KeyError" in answer["Reason"]
    assert "hunter2" not in answer["Reason"]


@pytest.mark.usefixtures("install_only")
def test_what_runs_out_of_time_goes_on_in_the_next_invocation(redshift: Redshift, stack: CustomResourceStack) -> None:
    """A table is locked for longer than the function runs: one answer, by the invocation that sees the end."""
    handler(stack.request("Create"), LambdaContext())
    with psycopg.connect(redshift.uri) as reader:
        reader.execute("LOCK TABLE connect.f_narrow IN ACCESS EXCLUSIVE MODE")
        event = stack.request("Update", PHYSICAL_ID)
        for number in range(2):
            assert handler(event, LambdaContext(INSTALL_MARGIN_S + 0.5)) == {"status": "CONTINUED"}
            assert len(stack.invocations) == number + 1
            event = stack.invocations[-1]
        assert len(stack.answers) == 1
    assert handler(event, LambdaContext())["status"] == "SUCCESS"
    assert [answer["Status"] for answer in stack.answers] == ["SUCCESS"] * 2
    assert stack.answers[-1]["RequestId"] == event["RequestId"]


@pytest.mark.usefixtures("install_only")
def test_the_next_invocation_waits_for_the_statement_that_runs(redshift: Redshift, stack: CustomResourceStack) -> None:
    """It is neither cancelled nor started again, and what is done is not done again."""
    statement = re.compile(r'CREATE SCHEMA IF NOT EXISTS "?test"?')
    is_free = threading.Event()

    def wait(*_: Any) -> int:
        return 0 if is_free.wait(30) else -1

    redshift.emulator.commands.append((statement, wait))
    event = stack.request("Create")
    assert handler(event, LambdaContext(INSTALL_MARGIN_S + 0.5)) == {"status": "CONTINUED"}
    is_free.set()
    redshift.emulator.commands.pop()
    with psycopg.connect(redshift.uri, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS test")
    assert handler(stack.invocations[-1], LambdaContext())["status"] == "SUCCESS"
    sent = [sub.sql for run in redshift.emulator.committed for sub in run.subs]
    assert len([sql for sql in sent if statement.fullmatch(sql)]) == 1
    operations = {operation for operation, _ in redshift.emulator.requests}
    assert "CancelStatement" not in operations


@pytest.mark.usefixtures("install_only")
def test_what_takes_too_long_is_given_up_before_cloudformation_does(
    redshift: Redshift, stack: CustomResourceStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the hour nobody would read the answer."""
    handler(stack.request("Create"), LambdaContext())
    monkeypatch.setattr(install_warehouse, "INSTALL_S_MAX", 0)
    with psycopg.connect(redshift.uri) as reader:
        reader.execute("LOCK TABLE connect.f_narrow IN ACCESS EXCLUSIVE MODE")
        answer = handler(stack.request("Update", PHYSICAL_ID), LambdaContext(INSTALL_MARGIN_S + 0.3))
    assert answer["status"] == "FAILED"
    assert "trunkline warehouse status" in stack.answers[-1]["Reason"]
    assert stack.invocations == []
    redshift.emulator.settle()


@pytest.mark.usefixtures("install_only")
def test_an_invocation_that_cannot_start_the_next_answers(redshift: Redshift, stack: CustomResourceStack) -> None:
    """Its role lacks the permission."""
    handler(stack.request("Create"), LambdaContext())
    stack.is_invoking_refused = True
    with psycopg.connect(redshift.uri) as reader:
        reader.execute("LOCK TABLE connect.f_narrow IN ACCESS EXCLUSIVE MODE")
        handler(stack.request("Update", PHYSICAL_ID), LambdaContext(INSTALL_MARGIN_S + 0.3))
    assert stack.answers[-1]["Status"] == "FAILED"
    assert "lambda:InvokeFunction" in stack.answers[-1]["Reason"]
    redshift.emulator.settle()


@pytest.mark.parametrize("kind", ["error", "refuse", "drop"])
@pytest.mark.usefixtures("install_only")
def test_a_service_that_fails_for_a_moment_is_tried_again(
    kind: str, redshift: Redshift, stack: CustomResourceStack
) -> None:
    """Also a refusal, since IAM grants what a new role allows after some seconds."""
    redshift.emulator.faults.append(Fault("BatchExecuteStatement", kind, times=1 if kind == "drop" else 4))
    assert handler(stack.request("Create"), LambdaContext())["status"] == "SUCCESS"
    assert [answer["Status"] for answer in stack.answers] == ["SUCCESS"]
    assert "score" in columns(redshift)


@pytest.mark.usefixtures("install_only")
def test_a_conflict_with_a_loader_is_tried_again(redshift: Redshift, stack: CustomResourceStack) -> None:
    """Under another token: the API would give the failed statement again."""
    handler(stack.request("Create"), LambdaContext())
    raised = threading.Event()

    def conflict(_: Any, __: Any) -> int:
        if not raised.is_set():
            raised.set()
            raise psycopg.errors.SerializationFailure("could not serialize access")
        return 0

    redshift.emulator.commands.append((re.compile(r'CREATE SCHEMA IF NOT EXISTS "?connect"?'), conflict))
    assert handler(stack.request("Update", PHYSICAL_ID), LambdaContext())["status"] == "SUCCESS"
    assert raised.is_set()
    assert [answer["Status"] for answer in stack.answers] == ["SUCCESS"] * 2


@pytest.mark.usefixtures("install_only", "redshift")
def test_the_answer_is_sent_once_where_the_address_fails_at_first(stack: CustomResourceStack) -> None:
    """A URL that fails for good raises, so that Lambda invokes again; the second invocation answers."""
    stack.statuses = [503, 500]
    event = stack.request("Create")
    assert handler(event, LambdaContext())["status"] == "SUCCESS"
    assert len(stack.answers) == 1
    stack.statuses = [403] * 3
    event = stack.request("Update", PHYSICAL_ID)
    with pytest.raises(TransientError, match="does not take the answer to Installation: HTTP status 403") as raised:
        handler(event, LambdaContext())
    assert "Signature" not in str(raised.value)
    handler(event, LambdaContext())
    assert [answer["Status"] for answer in stack.answers] == ["SUCCESS"] * 2


def test_an_event_of_something_else_is_refused() -> None:
    """There is no address to answer to."""
    with pytest.raises(UsageError, match="only CloudFormation invokes this function"):
        handler({"detail-type": "Scheduled Event"}, LambdaContext())
    with pytest.raises(UsageError, match="valid are Create, Update, Delete"):
        handler(CustomResourceStack().request("Replace"), LambdaContext())
