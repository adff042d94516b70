"""An existing table beside ours: loaded into a schema of its own, compared by day, column and row, on every engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from homes import contact, settings_of, write

from trunkline.errors import UsageError
from trunkline.objects import adopted
from trunkline.objects.adopted import AdoptedTable, read_mapping
from trunkline.objects.catalogue import OBJECTS
from trunkline.pipelines.adopt import shadow
from trunkline.pipelines.adopt.shadow import Difference, compare, load_beside, shadow_home
from trunkline.pipelines.home import Home

ENGINES = ("duckdb", "postgresql", "redshift+data")
MAPPING = """
[table]
name = "legacy.f_calls"
zone = "America/New_York"
[columns]
contact_id = "call_id"
initiation_timestamp = "started"
disconnect_timestamp = { column = "ended_utc", zone = "UTC" }
queue_name = "queue"
agent_interaction_duration_ms = { column = "talk_s", factor = 1000, tolerance = 999 }
agent_number_of_holds = "holds"
"""
# Of 2026-03-08, when New York's clocks go from 02:00 to 03:00: 06:30 and 07:30 UTC are 01:30 and 03:30 there.
ROWS = [
    ("same", "2026-03-08 01:30:00", "2026-03-08 06:35:00", "Support", 134, 2),
    ("rounded", "2026-03-08 03:30:00", "2026-03-08 07:35:00", "Support", 134.4, 2),
    ("queue", "2026-03-08 03:30:00", "2026-03-08 07:35:00", "Sales", 134, 2),
    ("nulls", "2026-03-08 03:30:00", "2026-03-08 07:35:00", None, 134, 2),
    ("moved", "2026-03-07 03:30:00", "2026-03-08 07:35:00", "Support", 134, 2),
    ("extra", "2026-03-08 03:30:00", "2026-03-08 07:35:00", "Support", 134, 2),
    ("twice", "2026-03-08 03:30:00", "2026-03-08 07:35:00", "Support", 134, 2),
    ("twice", "2026-03-08 03:30:00", "2026-03-08 07:35:00", "Support", 134, 2),
]


def of(contact_id: str, at: str = "07:30") -> dict[str, Any]:
    ended = f"2026-03-08T{at[:3]}35:00Z"
    return contact(contact_id, InitiationTimestamp=f"2026-03-08T{at}:00Z", DisconnectTimestamp=ended)


def mapping(folder: Path, text: str = MAPPING, pii: str = "hash") -> AdoptedTable:
    path = folder / "f_calls.toml"
    path.write_text(text)
    return read_mapping(path, OBJECTS, pii)


@contextmanager
def beside(folder: Path, table: AdoptedTable) -> Iterator[Home]:
    with shadow_home(settings_of(folder / "home"), table) as home:
        yield home


def legacy(folder: Path) -> None:
    """The existing table, in a warehouse that something else has made."""
    from trunkline.pipelines.home import open_home

    with open_home(settings_of(folder / "home"), is_install=True, only={}) as home:
        run = home.warehouse.run
        run("DROP SCHEMA IF EXISTS legacy CASCADE")
        run("CREATE SCHEMA legacy")
        run(
            "CREATE TABLE legacy.f_calls (call_id VARCHAR(64), started VARCHAR(32), ended_utc TIMESTAMP, "
            "queue VARCHAR(64), talk_s DOUBLE PRECISION, holds INTEGER)"
        )
        for row in ROWS:
            values = ", ".join("NULL" if v is None else f"'{v}'" if isinstance(v, str) else str(v) for v in row)
            run(f"INSERT INTO legacy.f_calls VALUES ({values})")


FILES = [
    of("same", "06:30"), of("rounded"), of("queue"), of("nulls"), of("moved"), of("ours alone"), of("twice"),
]  # fmt: skip


@pytest.mark.parametrize("each_target", ENGINES, indirect=True)
def test_every_difference_is_found(tmp_path: Path, each_target: str) -> None:
    """Values, NULLs, a moved day, missing and doubled rows; units, zones and tolerance as the mapping says."""
    legacy(tmp_path)
    table = mapping(tmp_path)
    with beside(tmp_path, table) as home:
        loaded = load_beside(home, table, [str(write(tmp_path / "in" / "a.json", *FILES))])
        assert loaded.counts.inserted == len(FILES)
        difference = compare(home, table)
        assert home.warehouse.query("SELECT count(*) FROM legacy.f_calls") == [(len(ROWS),)]
    columns = {name: (c.different, c.only_ours, c.only_theirs, c.examples) for name, c in difference.columns.items()}
    assert columns == {
        "initiation_timestamp": (1, 0, 0, ["moved"]),
        "disconnect_timestamp": (0, 0, 0, []),
        "queue_name": (2, 1, 0, ["nulls", "queue"]),
        "agent_interaction_duration_ms": (0, 0, 0, []),
        "agent_number_of_holds": (0, 0, 0, []),
    }
    assert (difference.ours, difference.theirs, difference.both) == (7, 8, 6)
    assert (difference.missing_theirs, difference.missing_theirs_examples) == (1, ["ours alone"])
    assert (difference.missing_ours, difference.missing_ours_examples) == (1, ["extra"])
    assert (difference.doubled, difference.doubled_examples) == (1, ["twice"])
    assert not difference.is_none


class StoppedError(Exception):
    """The process is stopped here."""


def test_a_stopped_comparison_goes_on(tmp_path: Path) -> None:
    """Days that are compared are not compared again, unless rows were added to them or it is asked for."""
    legacy(tmp_path)
    table = mapping(tmp_path)

    def run(stop_after: int = 99, **options: Any) -> tuple[int, Difference | None]:
        days: list[int] = []

        def advance(step: int) -> None:
            days.append(step)
            if len(days) == stop_after:
                raise StoppedError

        with beside(tmp_path, table) as home:
            try:
                return len(days), compare(home, table, advance=advance, **options)
            except StoppedError:
                return len(days), None

    with beside(tmp_path, table) as home:
        load_beside(home, table, [str(write(tmp_path / "in" / "a.json", *FILES))])
    assert run(stop_after=1)[1] is None
    whole = run()[1]
    assert whole is not None
    with beside(tmp_path, table) as home:
        home.warehouse.run("UPDATE legacy.f_calls SET queue = 'Other'")
    assert run()[1] == whole
    again = run(is_again=True)[1]
    assert again is not None
    assert again.columns["queue_name"].different == 6
    with beside(tmp_path, table) as home:
        load_beside(home, table, [str(write(tmp_path / "in" / "b.json", of("extra")))])
    later = run()[1]
    assert later is not None
    assert (later.missing_ours, later.both) == (0, 7)


def test_equal_tables_have_no_difference(tmp_path: Path) -> None:
    """A table that was made from ours."""
    text = '[table]\nname = "legacy.copy"\n[columns]\n' + "".join(
        f'{column.name} = "{column.name}"\n'
        for column in OBJECTS["contact_record"].data_columns
        if isinstance(column.type, str) and column.pii != "direct"
    )
    legacy(tmp_path)
    with beside(tmp_path, mapping(tmp_path)) as home:
        table = mapping(tmp_path, text)
        load_beside(home, table, [str(write(tmp_path / "in" / "a.json", *FILES))])
        home.warehouse.run("CREATE TABLE legacy.copy AS SELECT * FROM trunkline_shadow.f_calls")
        assert compare(home, table).is_none


def test_what_is_there_is_not_touched(tmp_path: Path) -> None:
    """All that is new is in the shadow's schema and the ledger: no view or table of the real object."""
    legacy(tmp_path)
    table = mapping(tmp_path)
    with beside(tmp_path, table) as home:
        load_beside(home, table, [str(write(tmp_path / "in" / "a.json", *FILES))])
        names = {f"{schema}.{name}" for schema, name in home.warehouse.query(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema NOT IN "
            "('information_schema', 'pg_catalog', 'ledger')"
        )}  # fmt: skip
    assert {name for name in names if not name.startswith("trunkline_shadow.")} == {"legacy.f_calls"}


WRONG = {
    "no table": ("[columns]\n", r"\[table\] has no name"),
    "other key": (MAPPING + "[more]\n", "unknown key 'more'"),
    "misspelt": (MAPPING.replace("zone =", "zonne =", 1), r"line 4.*'zonne'.*did you mean 'zone'"),
    "zone": (MAPPING.replace("America/New_York", "NYC"), r"line 4.*zone = 'NYC'"),
    "column": (MAPPING.replace("queue_name", "queue_nam"), r"line 9.*'queue_nam'.*did you mean 'queue_name'"),
    "no key": (MAPPING.replace('contact_id = "call_id"\n', ""), r"line 5.*has no contact_id"),
    "pii": (MAPPING + 'customer_endpoint_address = "phone"\n', "line 12.*personal data"),
    "factor": (MAPPING.replace('"queue"', '{ column = "q", factor = 2 }'), "line 9.*only a column of numbers"),
    "same schema": (
        MAPPING.replace('zone = "America', 'shadow_schema = "legacy"\nzone = "America', 1),
        "line 4.*is in it",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_mapping_is_named(name: str, tmp_path: Path) -> None:
    """File, line, key, value and what is valid."""
    text, message = WRONG[name]
    with pytest.raises(UsageError, match=f"(?s)f_calls.toml.*{message}"):
        mapping(tmp_path, text)


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Before anything is loaded."""
    legacy(tmp_path)
    table = mapping(tmp_path, MAPPING.replace('"queue"', '"queu"'))
    with pytest.raises(UsageError, match=r"legacy\.f_calls has no column 'queu'.*queue"), beside(tmp_path, table):
        pass
    other = mapping(tmp_path, MAPPING.replace("legacy.f_calls", "legacy.calls"))
    with pytest.raises(UsageError, match=r"no table legacy\.calls"), beside(tmp_path, other):
        pass


def test_personal_data_is_compared_where_it_is_kept(tmp_path: Path) -> None:
    """Under `pii = keep` a number is a value like others."""
    table = mapping(tmp_path, MAPPING + 'customer_endpoint_address = "phone"\n', pii="keep")
    assert [column.theirs for column in table.columns][-1] == "phone"
    assert adopted.SHADOW_SCHEMA == "trunkline_shadow"
    assert shadow.EXAMPLES_MAX == 5
