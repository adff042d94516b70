"""Completeness with a warehouse on Redshift, behind the Data API emulator."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from homes import load_into, opened, write
from registers import NOON, TALLY, Memory, tally
from servers import RedshiftDatabases

from trunkline.completeness.periods import settle_rule
from trunkline.pipelines.connect.reconcile import ReconcileRequest, reconcile
from trunkline.pipelines.connect.verify import verify_all

RULE = settle_rule((6, 24, 72))


@pytest.mark.soak
def test_redshift_is_reconciled_healed_and_certified(redshift_databases: RedshiftDatabases, tmp_path: Path) -> None:
    """Lost and set aside contacts are named, healed and certified with the rows in Redshift; by default, in PostgreSQL."""
    records = [tally(f"c-{n}", NOON + timedelta(minutes=n)) for n in range(8)]
    register = Memory.of(records, NOON + timedelta(days=5))
    with opened(tmp_path / "home", TALLY, warehouse=redshift_databases.new()) as home:
        home.warehouse.install([TALLY], [])
        load_into(home, write(tmp_path / "in", *records[2:], records[0] | {"Changed": "soon"}), obj=TALLY)
        found = reconcile(home, TALLY, register.at(home), ReconcileRequest(register.now, RULE))
        assert [(one.name, one.counts.missing) for one in found.records if one.counts.listed] == [("2026-03-03", 2)]
        healed = reconcile(home, TALLY, register.at(home), ReconcileRequest(register.now, RULE, is_healing=True))
        assert (healed.is_complete, healed.healed) == (True, 2)
        assert all(one.holds for one in verify_all(home, TALLY))
        asked = "SELECT state, listed, missing, pairs FROM ledger.period WHERE listed > 0"
        assert home.warehouse.query(asked) == [("closed", 8, 0, 8)]
