"""The lake of a simulated home in a real Trino: its files in place, our views word for word."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from loaded import simulated_home
from trino_server import TrinoServer

from trunkline.engines.athena import ATHENA, trino_type
from trunkline.objects.catalogue import OBJECTS, VIEWS
from trunkline.objects.model import Object
from trunkline.settings.installation import Settings
from trunkline.simulator.spec import Spec
from trunkline.sql.lake.athena import athena_statements
from trunkline.sql.lake.views import FILES_SUFFIX, PARTITION_KEYS, lake_columns
from trunkline.sql.views import create_view, views_on

SPEC = Spec(contacts=300, days=5)
"""Small enough for the default tests; several days, so that partitions matter."""


def queried_home(folder: Path) -> Settings:
    """The home that the recorded answers of queries are of."""
    return simulated_home(folder, SPEC)[0]


def register(trino: TrinoServer, settings: Settings, objects: Iterable[Object] = (OBJECTS["contact_record"],)) -> None:
    """Create the tables over a home's files and our views on them. The home is in the server's root."""
    lake = Path(settings.lake.removeprefix("file://")).relative_to(trino.root)
    known = list(objects)
    for obj in known:
        _, _, *views = athena_statements(obj)
        trino.rows(f'CREATE SCHEMA IF NOT EXISTS "{obj.database}"')
        trino.rows(_create_table(obj, f"local:///{lake}/{obj.lake_folder}/"))
        table = f"{obj.table_name}{FILES_SUFFIX}"
        trino.rows(f"CALL system.sync_partition_metadata('{obj.database}', '{table}', 'FULL')")
        for view in views:
            trino.rows(view)
    for view in views_on(known, VIEWS.values()):
        trino.rows(create_view(view, ATHENA))


def _create_table(obj: Object, location: str) -> str:
    """Athena's CREATE EXTERNAL TABLE in Trino's own words; Hive's timestamps have milliseconds."""
    columns = [f'"{column.name}" {trino_type(column.type).replace("(6)", "(3)")}' for column in lake_columns(obj)]
    columns += [f"{key} varchar" for key in PARTITION_KEYS]
    keys = ", ".join(f"'{key}'" for key in PARTITION_KEYS)
    return (
        f"CREATE TABLE {obj.database}.\"{obj.table_name}{FILES_SUFFIX}\" ({', '.join(columns)}) WITH (format = 'PARQUET', "
        f"external_location = '{location}', partitioned_by = ARRAY[{keys}])"
    )
