"""A simulated warehouse for the report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from warehouses import LOADED, empty_warehouse

from trunkline.engines.duckdb import DUCKDB
from trunkline.flatten.flattener import Flattener
from trunkline.flatten.privacy import PiiRule
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.positions import FileRange, Plan
from trunkline.records import Framed
from trunkline.simulator.oracle.terms import TrueContact
from trunkline.simulator.run import simulate
from trunkline.simulator.spec import Spec
from trunkline.sql.lake.views import lake_rows
from trunkline.sql.order import order_by
from trunkline.warehouse.duckdb.warehouse import DuckDBWarehouse


@dataclass(frozen=True)
class Centre:
    con: DuckDBWarehouse
    contacts: list[TrueContact]
    day: date
    numbers: set[str]


@pytest.fixture(scope="session")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Centre:
    """Two simulated days, every delivery flattened, the best version of each contact in the table."""
    result = simulate(Spec(contacts=900, days=2, seed=7), tmp_path_factory.mktemp("centre"))
    warehouse = empty_warehouse()
    con = warehouse.local
    names = ", ".join(DUCKDB.quote(column.name) for column in CONTACT_RECORD.columns)
    texts = [text for path in result.files for text in _texts(path)]
    plan = Plan("contact_record", "test", (FileRange("test", "1", 0, 1, True, LOADED),))
    flattener = Flattener(CONTACT_RECORD, PiiRule("keep", b"", frozenset()))
    done = flattener.flatten(Framed(plan, texts, [0] * len(texts), range(len(texts)), [], 1), LOADED)
    assert done.accepted == len(texts)
    parquet = tmp_path_factory.mktemp("rows") / "rows.parquet"
    flattener.con.execute(f"COPY {done.rows.sql} TO '{parquet}'")
    rows = lake_rows(CONTACT_RECORD, f"(SELECT * FROM read_parquet('{parquet}')) AS r")
    con.execute(
        f"INSERT INTO connect.f_calls SELECT {names} FROM (SELECT *, row_number() OVER (PARTITION BY contact_id "
        f"ORDER BY {order_by(CONTACT_RECORD, DUCKDB)}) AS place FROM {rows}) WHERE place = 1"
    )
    numbers = con.execute(
        "SELECT DISTINCT unnest([customer_endpoint_address, system_endpoint_address]) FROM connect.f_calls"
    ).fetchall()
    return Centre(warehouse, result.contacts, date(2026, 3, 3), {number for (number,) in numbers if number})


def _texts(path: Path) -> list[str]:
    return path.read_text().replace("}{", "}\n{").split("\n") if path.stat().st_size else []
