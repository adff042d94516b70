"""Dimensions, facts and the bridge over loaded business objects, on every target: no fact is lost, none is doubled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from homes import Record, contact, load_into, opened, settings_of, write

from trunkline.errors import UsageError
from trunkline.objects.business.links import contact_links
from trunkline.objects.business.salesforce import CASE, CUSTOMER_CONTACT, MATTER, TASK, USER
from trunkline.objects.catalogue import warehouse_views
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.objects.model import Object
from trunkline.pipelines.home import Home
from trunkline.pipelines.jobs.doctor import Finding, examine
from trunkline.pipelines.reading import open_reader
from trunkline.sql.star import analysis_statements
from trunkline.sql.views import create_view, select_view

ENGINES = ("duckdb", "postgresql", "redshift+data")
ZONE = "Pacific/Kiritimati"  # 14 hours ahead: the records' 10:00 UTC is midnight there
OBJECTS = (CONTACT_RECORD, USER, CUSTOMER_CONTACT, MATTER, CASE, TASK)


def record(record_id: str, **fields: Any) -> Record:
    """A Salesforce record as REST gives it."""
    stamps = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), "2026-03-03T10:00:00.000+0000")
    return {"Id": record_id, **stamps, **fields}


def key(prefix: str, number: int) -> str:
    """An id of 18 characters that only its last three tell from another one of 15."""
    return f"{prefix}1x{number:010d}AAA"


USERS = [record(key("005", 1), Name="Ana Adams", IsActive=True)]
CASES = [
    record(key("500", 1), CaseNumber="00001001", Status="New", IsClosed=False, OwnerId=key("005", 1)),
    record(key("500", 2), CaseNumber="00001002", Status="Closed", IsClosed=True, ClosedDate="2026-03-03T11:30:00.000Z",
           OwnerId=key("005", 9), ContactId=key("003", 1), ParentId=key("500", 1)),
]  # fmt: skip
PEOPLE = [record(key("003", 1), Name="Cy Young", Phone="+15535550199")]
MATTERS = [record(key("a0T", 1), Name="MAT-1", litify_pm__Gross_Recovery__c=1250.5)]
TASKS = [
    record(key("00T", 1), WhatId=key("500", 1), OwnerId=key("005", 1), CallObject="c1", CallDurationInSeconds=12,
           CompletedDateTime="2026-03-03T10:00:02.500Z", ActivityDate="2026-03-04", IsClosed=True),
    record(key("00T", 2), WhatId=key("a0T", 1), OwnerId=key("005", 8), WhoId=key("003", 1), CallObject="c2"),
    record(key("00T", 3), WhatId=key("500", 7), CallObject="c3"),
    record(key("00T", 4)),
]  # fmt: skip
CONTACTS = [
    contact("c1", Attributes={"crmCaseId": "00001002"}),
    contact("c2", Attributes={"crmCaseId": key("500", 2)[:15]}),
    contact("c3", Attributes={"crmCaseId": "no such case", "it's": "{x}"}),
    contact("c4", Attributes={}),
    contact("c5", Attributes={"crmCaseId": key("500", 1)}),
]


def fill(home: Home, folder: Path) -> None:
    loads: dict[Object, list[Record]] = {
        CONTACT_RECORD: CONTACTS, USER: USERS, CUSTOMER_CONTACT: PEOPLE, MATTER: MATTERS, CASE: CASES, TASK: TASKS,
    }  # fmt: skip
    for obj, records in loads.items():
        load_into(home, write(folder / obj.name, *records), obj=obj)


def in_zone(home: Home, name: str) -> str:
    """A view as an installation in ZONE makes it, in parentheses."""
    view = {view.name: view for view in warehouse_views()}[name]
    engine = home.warehouse.engine
    assert create_view(view, engine, ZONE) in analysis_statements(OBJECTS, engine, warehouse_views(), ZONE)
    return f"({select_view(view, engine, zone=ZONE)}) AS facts"


@pytest.mark.parametrize("each_target", ENGINES, indirect=True)
def test_facts_join_their_dimensions(tmp_path: Path, each_target: str) -> None:
    """By inner joins: every task, case and contact, with the unknown row where an id is missing or leads nowhere.

    Contacts are linked to cases by an attribute that holds an id of 18 or 15 characters or a number, and by tasks.
    """
    with opened(tmp_path / "home", *OBJECTS) as home:
        fill(home, tmp_path)
        tasks_of_zone, cases_of_zone = (in_zone(home, name) for name in ("v_fact_task", "v_fact_case"))
        days = home.warehouse.query(
            "SELECT created_date_key, created_time_key, created_local_date_key, created_local_time_key, "
            f"completed_date_key, completed_local_date_key FROM {tasks_of_zone} ORDER BY task_id"
        )
        assert days == [
            (20260303, 600, 20260304, 0, 20260303, 20260304),
            *[(20260303, 600, 20260304, 0, -1, -1)] * 3,
        ]
        closed = home.warehouse.query(
            f"SELECT created_local_date_key, closed_date_key, closed_local_date_key FROM {cases_of_zone} ORDER BY case_id"
        )
        assert closed == [(20260304, -1, -1), (20260304, 20260303, 20260304)]
        tasks = home.warehouse.query(
            "SELECT f.task_id, u.name, c.case_number, m.matter_name, p.customer_contact_key, f.contact_id, "
            "f.activity_date_key, f.completion_time_ms, f.call_duration_s "
            "FROM connect.v_fact_task AS f JOIN connect.d_user AS u ON u.user_key = f.user_key "
            "JOIN connect.d_case AS c ON c.case_key = f.case_key JOIN connect.d_matter AS m ON m.matter_key = f.matter_key "
            "JOIN connect.d_customer_contact AS p ON p.customer_contact_key = f.customer_contact_key ORDER BY f.task_id"
        )
        cases = home.warehouse.query(
            "SELECT f.case_number, u.name, p.customer_contact_key, c.case_number, f.is_closed, f.open_time_ms "
            "FROM connect.v_fact_case AS f JOIN connect.d_user AS u ON u.user_key = f.user_key "
            "JOIN connect.d_customer_contact AS p ON p.customer_contact_key = f.customer_contact_key "
            "JOIN connect.d_case AS c ON c.case_key = f.parent_case_key ORDER BY f.case_number"
        )
        pairs = home.warehouse.query(
            "SELECT b.contact_id, d.case_number, b.link, b.case_count FROM connect.bridge_contact_case AS b "
            "JOIN connect.d_case AS d ON d.case_key = b.case_key ORDER BY b.contact_id, d.case_number"
        )
    none = "unknown"
    assert tasks == [
        (key("00T", 1), "Ana Adams", "00001001", none, none, "c1", 20260304, 2500, 12),
        (key("00T", 2), none, none, "MAT-1", key("003", 1), "c2", -1, None, None),
        (key("00T", 3), none, none, none, none, "c3", -1, None, None),
        (key("00T", 4), none, none, none, none, None, -1, None, None),
    ]
    assert cases == [
        ("00001001", "Ana Adams", none, none, 0, None),
        ("00001002", none, key("003", 1), "00001001", 1, 5_400_000),
    ]
    assert pairs == [
        ("c1", "00001001", "task", 2),
        ("c1", "00001002", "attribute", 2),
        ("c2", "00001002", "attribute", 1),
        ("c3", none, None, 0),
        ("c4", none, None, 0),
        ("c5", "00001001", "attribute", 1),
    ]


def test_the_setting_says_how(tmp_path: Path) -> None:
    """Tasks alone, another attribute, or no link that finds any; `doctor` says how many contacts have a case."""
    with opened(tmp_path / "home", *OBJECTS) as home:
        fill(home, tmp_path)
    with open_reader(settings_of(tmp_path / "home")) as reader:
        found = {finding.check: finding for finding in examine(reader)}
    cases = found["contact_record: cases"]
    assert cases == Finding(
        "contact_record: cases", "ok", "3 of 5 contacts have a case: 3 by an attribute, 1 by a task"
    )
    for links, expected in (("task:call_object", 1), ("attribute:it's {0}", 0), ("task:subject", 0)):
        with opened(tmp_path / "home", *OBJECTS, contact_link=links) as home:
            query = "SELECT count(*), count(link) FROM connect.bridge_contact_case"
            assert home.warehouse.query(query) == [(5, expected)], links


@pytest.mark.parametrize("link", ["case", "attribute:", "task:no_column", "attribute:a,attribute:b", "task:task_id"])
def test_an_invalid_link_is_named(link: str) -> None:
    """The entry, and what is valid."""
    with pytest.raises(UsageError, match=r"contact_link has .*valid are, .*call_object"):
        contact_links(link.split(","))
