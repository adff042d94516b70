"""The permissions of functions that use a Redshift: what their roles allow is what they call, as in test_permissions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from aws_calls import recorded_calls
from connect import DAY, emulator, simulated
from custom_resource import FUNCTION, CustomResourceStack, LambdaContext
from function_permissions import NONE, Account, differences
from homes import NARROW
from moto import mock_aws
from redshift_home import BUCKET, URL, make_database, redshift_of
from servers import RedshiftDatabases
from virtual_clock import VirtualClock

from trunkline.deploy import install_warehouse
from trunkline.deploy.functions import FUNCTIONS
from trunkline.handlers.install_warehouse import handler
from trunkline.limits import INSTALL_MARGIN_S
from trunkline.pipelines.connect.collect import ConnectService, collect_until
from trunkline.settings.installation import Settings
from trunkline.simulator.connect_api.http import served
from trunkline.sources.connect_api.quota import CallClock


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """An empty one."""
    with mock_aws():
        yield Account(monkeypatch)


def test_collect_into_redshift(
    account: Account, redshift_databases: RedshiftDatabases, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A window whose rows are sent as values, and one whose files COPY reads."""
    account.lake()
    account.warehouse(redshift_databases.new())
    account.arns["staging"] = [f"arn:aws:s3:::{BUCKET}"]
    monkeypatch.setenv("TRUNKLINE_HOME", str(tmp_path))
    monkeypatch.setenv("TRUNKLINE_LAKE", "s3://lake")
    virtual = VirtualClock(DAY.timestamp() + 17.7 * 3600)
    with served(emulator(simulated(24), virtual)) as url, recorded_calls() as calls:
        account.instance(url)
        settings = Settings.load()
        service = ConnectService(CallClock(virtual.now_s, virtual.sleep, None))
        for rows_max in (1_000, -1):
            monkeypatch.setattr("trunkline.warehouse.redshift.request.INSERT_ROWS_MAX", rows_max)
            assert collect_until(settings, 900.0, service)["is_done"]
            virtual.sleep(7200)
    assert redshift_databases.copied()
    assert differences(FUNCTIONS["collect"], account, calls) == NONE


def test_install_warehouse(
    account: Account, postgres_uri: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A table with a lock that outlasts the function, and the next invocation. Which objects does not matter."""
    stack = CustomResourceStack()
    monkeypatch.setattr(install_warehouse, "load_objects", lambda _: {NARROW.name: NARROW})
    monkeypatch.setattr(install_warehouse, "warehouse_views", lambda _: ())
    monkeypatch.setenv("TRUNKLINE_HOME", str(tmp_path))
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", stack.lambda_url)
    uri = make_database(postgres_uri, "redshift_permissions")
    with redshift_of(uri), recorded_calls() as calls:
        account.warehouse(URL)
        account.arns["installer"] = [FUNCTION]
        handler(stack.request("Create"), LambdaContext())
        with psycopg.connect(uri) as reader:
            reader.execute("LOCK TABLE connect.f_narrow IN ACCESS EXCLUSIVE MODE")
            handler(stack.request("Update", "id"), LambdaContext(INSTALL_MARGIN_S + 0.3))
        handler(stack.invocations[0], LambdaContext())
    assert [answer["Status"] for answer in stack.answers] == ["SUCCESS"] * 2
    assert differences(FUNCTIONS["install_warehouse"], account, calls) == NONE
