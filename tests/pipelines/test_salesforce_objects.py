"""Salesforce's objects from a simulated org's files to every target: twice, out of order, with deletions."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from homes import Record, lake_best, load_into, opened, settings_of, table, totals, write
from salesforce_org import CLIENT, Organisation, stamp
from salesforce_org import task as salesforce_task
from servers import SERVERS

from trunkline import limits
from trunkline.errors import UsageError
from trunkline.objects.business.salesforce import CASE, CUSTOMER_CONTACT, MATTER, TASK, USER
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.objects.origins import SalesforceOrigin
from trunkline.pipelines.jobs.pull import pull
from trunkline.pipelines.reading import open_reader, query
from trunkline.simulator.run import Result, simulate
from trunkline.simulator.salesforce import FOLDER, long_id
from trunkline.simulator.spec import Spec

OBJECTS = (USER, CUSTOMER_CONTACT, MATTER, CASE, TASK)


@pytest.fixture(scope="session")
def org(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """Contact records, and the records of a Salesforce that fit them."""
    folder = tmp_path_factory.mktemp("org")
    return folder, simulate(Spec(contacts=60, salesforce=True), folder)


ENGINES = ("duckdb", "postgresql", "redshift+data")
"""One target of each engine by default; the others differ in the way, not in what a row is."""


@pytest.mark.parametrize(
    "each_target",
    [name if name in ENGINES else pytest.param(name, marks=pytest.mark.soak) for name in ("duckdb", *SERVERS)],
    indirect=True,
)
def test_each_object_from_its_files(tmp_path: Path, each_target: str, org: tuple[Path, Result]) -> None:
    """Half the versions, then all, then all again: the rows that exist, the newest version of each, in lake and table."""
    folder, result = org
    with opened(tmp_path / "home", *OBJECTS) as home:
        for obj in OBJECTS:
            expected = result.expected.salesforce[obj.name]
            pages = _pages(folder / FOLDER / obj.name)
            half = write(tmp_path / f"{obj.name}.json", *pages[: len(pages) // 2])
            for path in (half, folder / FOLDER / obj.name, folder / FOLDER / obj.name):
                load_into(home, path, obj=obj)
            rows = table(home, obj)
            newest = _newest(pages)
            alive = {row[obj.key[0]] for row in rows if not row["record_is_deleted"]}
            assert (len(alive), len(rows) - len(alive)) == (expected.rows, expected.deleted)
            assert {row[obj.key[0]]: row["system_modstamp"] for row in rows} == newest
            assert all(row["record_unmapped"] is None for row in rows)
            assert {row[obj.key[0]] for row in lake_best(home, obj)} == alive
            counts = totals(home, obj)
            assert (counts.dead_letter, counts.rejected) == (0, 0)
            assert counts.inserted - counts.deleted == expected.rows
            assert home.warehouse.query(f'SELECT count(*) FROM salesforce."{obj.name}"') == [(expected.rows,)]


def test_the_org_fits_the_contacts(tmp_path: Path, org: tuple[Path, Result]) -> None:
    """Tasks and cases of contacts lead to users, customers and cases that are there; the bridge finds both links."""
    folder, result = org
    with opened(tmp_path / "home", CONTACT_RECORD, *OBJECTS) as home:
        load_into(home, result.folder)
        for obj in OBJECTS:
            load_into(home, folder / FOLDER / obj.name, obj=obj)
        query = home.warehouse.query
        tasks, contacts = query("SELECT count(*), count(contact_id) FROM connect.v_fact_task")[0]
        assert tasks == contacts == result.expected.salesforce["task"].rows
        ((lost,),) = query(
            "SELECT count(*) FROM connect.v_fact_task AS t LEFT JOIN connect.f_calls AS c ON c.contact_id = t.contact_id "
            "WHERE c.contact_id IS NULL OR t.user_key = 'unknown'"
        )
        assert lost == 0
        links = dict(query("SELECT link, count(*) FROM connect.bridge_contact_case GROUP BY link"))
        assert links["both"] > 0
        ((pairs, with_contact),) = query("SELECT count(*), count(DISTINCT contact_id) FROM connect.bridge_contact_case")
        assert pairs == with_contact == result.expected.contacts


def test_ids_have_the_api_form() -> None:
    """Three characters more say which letters are capital; an example of Salesforce's own documentation."""
    assert long_id("0014000000IjNZG") == "0014000000IjNZGAA3"
    assert long_id("500000000000123") == "500000000000123AAA"


def test_settings_give_the_objects_an_origin(tmp_path: Path) -> None:
    """All five from one organization; one setting without the other is an error, and a secret in its place too."""
    options = {
        "salesforce_instance": "https://acme.my.salesforce.com/", "salesforce_credentials": "env:SALESFORCE",
    }  # fmt: skip
    with opened(tmp_path / "home", **options) as home:
        origins = {obj.name: home.objects[obj.name].origin for obj in OBJECTS}
        assert home.objects["contact_record"].origin is None
    case = origins["case"]
    assert isinstance(case, SalesforceOrigin)
    assert (case.instance, case.sobject) == ("https://acme.my.salesforce.com", "Case")
    sobjects = {origin.sobject for origin in origins.values() if isinstance(origin, SalesforceOrigin)}
    assert sobjects == {"User", "Contact", "Case", "Task", "litify_pm__Matter__c"}
    for wrong in ({"salesforce_instance": "https://acme.my.salesforce.com"}, {"salesforce_credentials": "env:X"},
                  options | {"salesforce_credentials": "a secret itself"}):  # fmt: skip
        with pytest.raises(UsageError, match=r"salesforce_(instance|credentials)"), opened(tmp_path / "other", **wrong):
            pass


@pytest.mark.parametrize("api", ["rest", "bulk"])
def test_tasks_from_a_salesforce(api: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through the real client: changed and deleted tasks, and NULL for fields that the organization does not have."""
    monkeypatch.setattr(limits, "API_BACKOFF_S", 0)
    monkeypatch.setattr(limits, "SALESFORCE_BULK_POLL_S", 0)
    monkeypatch.setenv("SF", json.dumps(CLIENT))
    salesforce = Organisation([salesforce_task(f"00T{number}", f"10:0{number}:00") for number in range(5)])
    options = {"salesforce_instance": salesforce.url, "salesforce_credentials": "env:SF"}
    with opened(tmp_path / "home", **options) as home:
        obj = home.objects["task"]
        assert isinstance(obj.origin, SalesforceOrigin)
        obj = dataclasses.replace(obj, origin=dataclasses.replace(obj.origin, api=api))
        assert pull(home, obj).counts.inserted == 5
        salesforce.tasks[0] |= {"Subject": "Changed", "SystemModstamp": stamp("12:30:00")}
        salesforce.tasks[1] |= {"IsDeleted": True, "SystemModstamp": stamp("12:30:00")}
        salesforce.now += timedelta(hours=1)
        counts = pull(home, obj).counts
        assert (counts.updated, counts.deleted) == (1, 1)
        rows = {row["task_id"]: row for row in table(home, obj)}
        assert home.warehouse.query("SELECT count(*), max(user_key) FROM connect.v_fact_task") == [(4, "unknown")]
    assert (rows["00T0"]["subject"], rows["00T1"]["record_is_deleted"]) == ("Changed", True)
    assert (rows["00T2"]["who_id"], rows["00T2"]["record_unmapped"]) == (None, None)


def test_csv_of_the_bulk_api(tmp_path: Path) -> None:
    """A results file: empty cells are NULL, times have a Z, and a deletion takes its row away."""
    path = tmp_path / "cases.csv"
    path.write_text(
        '"Id","CaseNumber","Subject","IsClosed","IsDeleted","CreatedDate","SystemModstamp"\n'
        '"5001x0000000001AAA","00001001","two\nlines, one cell","false","false","2026-03-03T10:00:00.000Z","2026-03-03T10:00:00.000Z"\n'
        '"5001x0000000002AAA","","","true","true","2026-03-03T10:00:00.000Z","2026-03-03T11:00:00.000Z"\n'
    )
    with opened(tmp_path / "home", CASE) as home:
        load_into(home, path, obj=CASE)
        first, second = table(home, CASE)
    assert (first["subject"], first["is_closed"], first["account_id"]) == ("two\nlines, one cell", False, None)
    assert (second["case_number"], second["record_is_deleted"]) == (None, True)
    with open_reader(settings_of(tmp_path / "home")) as reader:
        for dialect in (None, "athena"):
            assert query(reader, 'SELECT count(*) FROM salesforce."case"', dialect).rows == [(1,)], dialect


def _pages(folder: Path) -> list[Record]:
    return [record for path in sorted(folder.iterdir()) for record in json.loads(path.read_text())["records"]]


def _newest(records: list[Record]) -> dict[str, datetime]:
    newest: dict[str, datetime] = {}
    for record in records:
        at = datetime.fromisoformat(record["SystemModstamp"]).replace(tzinfo=None)
        newest[record["Id"]] = max(at, newest.get(record["Id"], at))
    return newest
