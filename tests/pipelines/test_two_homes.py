"""Two homes and one warehouse: one lake in both, or a refusal in words."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from homes import NARROW, load_into, narrow, opened, table, write
from servers import Databases

from trunkline.errors import TerminalError
from trunkline.pipelines.jobs.upkeep import rebuild


@pytest.fixture(params=["duckdb", "postgresql"])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of one warehouse for both homes."""
    if request.param == "duckdb":
        return f"duckdb://{tmp_path}/shared.duckdb"
    databases: Databases = request.getfixturevalue("postgres_databases")
    return databases.new()


def test_a_home_with_another_lake_is_refused(warehouse: str, tmp_path: Path) -> None:
    """The message names both lakes and what to do; the first home goes on as before."""
    path = write(tmp_path / "in" / "a", narrow("a"))
    with opened(tmp_path / "one", NARROW, warehouse=warehouse) as home:
        load_into(home, path, obj=NARROW)
        first = home.settings.lake
    with (
        pytest.raises(TerminalError, match=f"belongs to the lake {first}.* this home's lake is .*/two/lake") as caught,
        opened(tmp_path / "two", NARROW, warehouse=warehouse),
    ):
        pass
    assert "Set the same lake in both homes" in str(caught.value)
    with opened(tmp_path / "one", NARROW, warehouse=warehouse) as home:
        assert load_into(home, path, obj=NARROW).counts.read == 0
        rebuild(home, NARROW)
        assert [row["id"] for row in table(home, NARROW)] == ["a"]


def test_homes_with_one_lake_share_a_warehouse(warehouse: str, tmp_path: Path) -> None:
    """What one of them loaded is nothing new for the other, because its lake has it."""
    options = {"warehouse": warehouse, "lake": f"file://{tmp_path}/lake", "pii": "keep"}
    path = write(tmp_path / "in" / "a", narrow("a"))
    with opened(tmp_path / "one", NARROW, **options) as home:
        load_into(home, path, obj=NARROW)
    with opened(tmp_path / "two", NARROW, **options) as home:
        assert load_into(home, path, obj=NARROW).counts.read == 0
        rebuild(home, NARROW)
        assert [row["id"] for row in table(home, NARROW)] == ["a"]


def test_a_lake_that_was_moved_is_the_same_lake(warehouse: str, tmp_path: Path) -> None:
    """Its id goes with it."""
    with opened(tmp_path / "home", NARROW, warehouse=warehouse) as home:
        load_into(home, write(tmp_path / "in" / "a", narrow("a")), obj=NARROW)
    shutil.move(tmp_path / "home" / "lake", tmp_path / "moved")
    with opened(tmp_path / "home", NARROW, warehouse=warehouse, lake=f"file://{tmp_path}/moved") as home:
        rebuild(home, NARROW)
        assert [row["id"] for row in table(home, NARROW)] == ["a"]


def test_a_warehouse_without_batches_takes_another_lake(warehouse: str, tmp_path: Path) -> None:
    """Nothing is mixed up where nothing was loaded."""
    for name in ("one", "two"):
        with opened(tmp_path / name, NARROW, warehouse=warehouse) as home:
            pass
    load_path = write(tmp_path / "in" / "a", narrow("a"))
    with opened(tmp_path / "two", NARROW, warehouse=warehouse) as home:
        assert load_into(home, load_path, obj=NARROW).counts.inserted == 1
