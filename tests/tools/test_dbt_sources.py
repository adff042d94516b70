"""The generated dbt sources: valid YAML that names existing tables, with tests from the catalogue."""

from __future__ import annotations

from typing import Any

import pytest
from warehouses import empty_warehouse

from tools.dbt_sources import dbt_sources
from trunkline.objects.catalogue import OBJECTS, load, warehouse_views
from trunkline.objects.contact_record import CONTACT_RECORD

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")


def tables(text: str) -> dict[str, dict[str, Any]]:
    sources = yaml.safe_load(text)
    assert sources["version"] == 2
    return {f"{s['schema']}.{table['name']}": table for s in sources["sources"] for table in s["tables"]}


def test_every_table_and_column_exists() -> None:
    """Each table and column in the file exists in an installed warehouse."""
    warehouse = empty_warehouse()
    warehouse.install(list(OBJECTS.values()), warehouse_views())
    with warehouse.local as db:
        rows = db.execute(
            "SELECT table_schema || '.' || table_name, column_name FROM information_schema.columns"
        ).fetchall()
    there: dict[str, set[str]] = {}
    for table, column in rows:
        there.setdefault(table, set()).add(column)
    named = tables(dbt_sources(OBJECTS.values()))
    assert {"connect.f_calls", "connect.v_fact_call", "connect_datalake.contact_record"} <= set(named)
    for name, table in named.items():
        assert {column["name"] for column in table["columns"]} <= there[name], name
    assert len(named["connect.f_calls"]["columns"]) == len(CONTACT_RECORD.columns)


def test_descriptions_and_tests_are_the_catalogues() -> None:
    """Keys are unique and not NULL, required columns not NULL, personal ones marked, every column described."""
    table = tables(dbt_sources(OBJECTS.values()))["connect.f_calls"]
    columns = {column["name"]: column for column in table["columns"]}
    assert columns["contact_id"]["tests"] == ["unique", "not_null"]
    assert columns["record_hash"]["tests"] == ["not_null"]
    assert "tests" not in columns["queue_name"]
    assert columns["customer_endpoint_address"]["meta"] == {"pii": "direct"}
    assert columns["queue_duration_ms"]["description"].endswith("Unit: ms.")
    for name, column in columns.items():
        assert column["description"].startswith(CONTACT_RECORD.by_name[name].meaning)
    fact = {c["name"]: c for c in tables(dbt_sources(OBJECTS.values()))["connect.v_fact_call"]["columns"]}
    assert fact["queue_key"]["tests"][1] == {
        "relationships": {"to": "source('connect', 'd_queue')", "field": "queue_key"}
    }
    task = {c["name"]: c for c in tables(dbt_sources(OBJECTS.values()))["connect.v_fact_task"]["columns"]}
    assert task["created_by_user_key"]["tests"][1]["relationships"] == {
        "to": "source('connect', 'd_user')",
        "field": "user_key",
    }
    assert task["task_id"]["tests"] == ["unique", "not_null"]


def test_users_objects_are_sources_too(tmp_path: Any) -> None:
    """A user's own object is a source; its texts may hold what YAML would read otherwise."""
    file = tmp_path / "objects.toml"
    file.write_text(
        '[object.odd]\ngrain = "a: b # \\"c\\" - [x]"\nkey = ["odd_id"]\nevent_time = "at"\n'
        '[object.odd.columns]\nodd_id = { type = "text", meaning = "yes: \'no\' & {*}" }\nat = { type = "timestamp" }\n'
    )
    named = tables(dbt_sources(load([file]).values()))
    assert named["own.odd"]["description"] == 'a: b # "c" - [x]'
    assert named["own.odd"]["columns"][0]["description"] == "yes: 'no' & {*}"
