"""Homes with an object of Salesforce's tasks, read from an organisation on this machine."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from homes import opened, table
from salesforce_org import CLIENT, Organisation, task

from trunkline import limits
from trunkline.objects.model import RECORD_COLUMNS, Object, own_column
from trunkline.objects.origins import SalesforceOrigin
from trunkline.pipelines.home import Home
from trunkline.settings.secrets import SecretName

TASK = Object(
    name="own_task", database="test", warehouse_table="connect.f_own_task", grain="One row per task.",
    key=("task_id",), version="changed_at", event_time="created_at", partition="created_at", delete_rule="IsDeleted.",
    columns=(
        own_column("task_id", "Id", "Id.", nullable=False),
        own_column("subject", "Subject", "Subject."),
        own_column("description", "Description", "Text."),
        own_column("activity_date", "ActivityDate", "Day.", "date"),
        own_column("created_at", "CreatedDate", "Created.", "timestamp"),
        own_column("changed_at", "SystemModstamp", "Changed.", "timestamp"),
        own_column("is_closed", "IsClosed", "Closed.", "boolean"),
        own_column("call_s", "CallDurationInSeconds", "Seconds.", "bigint"),
        own_column("amount", "Amount__c", "Amount.", "decimal"),
        own_column("owner", "Owner.Name", "Owner."),
        *RECORD_COLUMNS,
    ),
    anchor="Id",
)  # fmt: skip


def five_tasks(monkeypatch: pytest.MonkeyPatch) -> Organisation:
    """An organisation with five tasks, which is asked again at once, and whose secret is in the environment."""
    monkeypatch.setattr(limits, "API_BACKOFF_S", 0)
    monkeypatch.setattr(limits, "SALESFORCE_BULK_POLL_S", 0)
    monkeypatch.setenv("SF", json.dumps(CLIENT))
    return Organisation([task(f"00T{number}", f"10:0{number}:00") for number in range(5)])


@contextmanager
def home_of(
    org: Organisation, path: Path, batch_bytes: int = 1, of: Object = TASK, **changes: Any
) -> Iterator[tuple[Home, Object]]:
    obj = dataclasses.replace(of, origin=origin_of(org, **changes))
    with opened(path, obj, batch_bytes=batch_bytes) as home:
        yield home, obj


def origin_of(org: Organisation, **changes: Any) -> SalesforceOrigin:
    return dataclasses.replace(SalesforceOrigin(org.url, "Task", SecretName("env", "SF")), **changes)


def rows(home: Home, obj: Object) -> dict[str, dict[str, Any]]:
    return {row["task_id"]: row for row in table(home, obj) if not row["record_is_deleted"]}
