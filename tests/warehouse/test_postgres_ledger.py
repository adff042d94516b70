"""Completeness with a warehouse on a server: the same census, certificates and tables as in the embedded one."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from homes import load_into, opened, write
from registers import NOON, TALLY, Memory, tally
from servers import Databases

from trunkline.completeness.periods import settle_rule
from trunkline.pipelines.connect.reconcile import ReconcileRequest, reconcile
from trunkline.pipelines.connect.verify import verify_all

psycopg = pytest.importorskip("psycopg")
RULE = settle_rule((6, 24, 72))


def test_a_server_is_reconciled_healed_and_certified(postgres_databases: Databases, tmp_path: Path) -> None:
    """Lost, set aside, moved and late contacts, with the rows in PostgreSQL; its ledger tables say what was found."""
    url = postgres_databases.bare()
    records = [tally(f"c-{n}", NOON + timedelta(minutes=n)) for n in range(8)]
    register = Memory.of(records, NOON + timedelta(days=5))
    with opened(tmp_path / "home", TALLY, warehouse=url) as home:
        home.warehouse.install([TALLY], [])
        load_into(home, write(tmp_path / "in", *records[2:], records[0] | {"Changed": "soon"}), obj=TALLY)
        found = reconcile(home, TALLY, register.at(home), ReconcileRequest(register.now, RULE))
        assert [(one.name, one.counts.missing) for one in found.records if one.counts.listed] == [("2026-03-03", 2)]
        healed = reconcile(home, TALLY, register.at(home), ReconcileRequest(register.now, RULE, is_healing=True))
        assert (healed.is_complete, healed.healed) == (True, 2)
        register.now += timedelta(hours=1)
        moved = tally("c-3", NOON + timedelta(hours=2)) | {
            "Began": records[3]["Began"],
            "Changed": "2026-03-06T00:00:00Z",
        }
        load_into(home, write(tmp_path / "late", moved), obj=TALLY)
        assert reconcile(home, TALLY, register.at(home), ReconcileRequest(register.now, RULE)).amended == (
            "2026-03-03",
        )
        assert all(one.holds for one in verify_all(home, TALLY))
    with psycopg.connect(url, autocommit=True) as con:
        asked = "SELECT state, listed, missing, pairs, amendments FROM ledger.period WHERE listed > 0"
        assert con.execute(asked).fetchall() == [("closed", 8, 0, 8, 1)]
        seen = con.execute("SELECT id, why, settled_at IS NOT NULL FROM ledger.sighting ORDER BY 1").fetchall()
        assert seen == [("c-0", "dead letter", True), ("c-1", "never seen", True)]
        assert con.execute("SELECT number, id, change FROM ledger.amendment").fetchall() == [(1, "c-3", "changed")]
