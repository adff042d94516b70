"""Athena's DDL in an engine that speaks Hive's: Apache Spark with its Hive catalogue. `make spark`.

The CREATE statements of databases and tables run word for word but the lake's URL; views are Trino's SQL, which sqlglot puts into
Spark's words. Spark knows no projection, so partitions are found by the document's MSCK REPAIR TABLE.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from typing import Any

import pytest
import sqlglot
from asked_calls import by_hand, loaded_home

from trunkline.objects.catalogue import OBJECTS
from trunkline.pipelines.jobs.upkeep import ddl_of
from trunkline.pipelines.reading import Reader, open_reader
from trunkline.settings.installation import Settings
from trunkline.sql.lake.athena import named_queries

pytestmark = [pytest.mark.spark, pytest.mark.timeout(600)]
LAKE = "s3://trunkline-lake"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A loaded home."""
    return loaded_home(tmp_path_factory.mktemp("asked"))


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Spark in this machine, with a Hive catalogue in memory. Identifiers in double quotes, as Trino's are."""
    sql = pytest.importorskip("pyspark.sql", reason="pyspark is not installed: make spark")
    if shutil.which("java") is None:
        pytest.skip("there is no java on the PATH: Spark needs Java 17 or newer")
    folder = tmp_path_factory.mktemp("spark")
    options = {
        "spark.ui.enabled": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.hadoop.javax.jdo.option.ConnectionURL": "jdbc:derby:memory:metastore;create=true",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.variable.substitute": "false",  # ${year} is Athena's, not Spark's
        "spark.sql.ansi.enabled": "true",
        "spark.sql.ansi.doubleQuotedIdentifiers": "true",
        "spark.sql.shuffle.partitions": "1",
    }
    builder = sql.SparkSession.builder.master("local[1]")
    for name, value in options.items():
        builder = builder.config(name, value)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        # Spark gives Python times on this process's own clock.
        patch.setenv("TZ", "UTC")
        time.tzset()
        session = builder.enableHiveSupport().getOrCreate()
        session.sparkContext.setLogLevel("FATAL")
        yield session
        session.stop()
    time.tzset()


@pytest.fixture(scope="module")
def asked(spark: Any, settings: Settings) -> Any:
    """Spark with every table and view of the catalogue, its partitions found."""
    lake = settings.lake
    queries = {one.name: one for one in named_queries(OBJECTS.values(), lake)}
    for statement in ddl_of(OBJECTS, LAKE):
        if statement.startswith("CREATE OR REPLACE VIEW"):
            spark.sql(_spoken(statement))
        else:
            spark.sql(statement.replace(LAKE, lake))
    for obj in OBJECTS.values():
        spark.sql(queries[f"repair_{obj.table_name}"].sql)
    return spark


def _spoken(statement: str) -> str:
    """Trino's SQL in Spark's words. Where a list of records becomes rows, sqlglot would lose the list."""
    if "UNNEST(" in statement:
        return re.sub(r"CROSS JOIN UNNEST\((.*?)\) AS u\((.*?)\)", r"LATERAL VIEW INLINE(\1) u AS \2", statement)
    return sqlglot.transpile(statement, read="trino", write="spark")[0]


@pytest.fixture(scope="module")
def reader(settings: Settings) -> Iterator[Reader]:
    """The same home in DuckDB."""
    with open_reader(settings) as opened:
        yield opened


def test_tables_have_the_columns_of_the_catalogue(asked: Any) -> None:
    """Every object's table is there, with its columns in order and the three keys after them, as text."""
    for obj in OBJECTS.values():
        rows = asked.sql(f"DESCRIBE {obj.lake_table}_files").collect()
        names = [row["col_name"] for row in rows]
        keys = names.index("# Partition Information")
        assert names[:keys] == [*(one.name for one in obj.columns), "record_moved_to", "year", "month", "day"]
        assert {row["data_type"] for row in rows[keys - 3 : keys]} == {"string"}


def test_projection_is_kept_with_the_table(asked: Any) -> None:
    """Hive's properties carry Athena's projection."""
    for obj in OBJECTS.values():
        rows = asked.sql(f"SHOW TBLPROPERTIES {obj.lake_table}_files").collect()
        found = {row["key"]: row["value"] for row in rows}
        assert found["projection.enabled"] == "true"
        assert found["storage.location.template"].endswith("/year=${year}/month=${month}/day=${day}/")


@pytest.mark.parametrize("name", ["call", "transcript", "contact_record"])
def test_files_are_read_alike(asked: Any, reader: Reader, name: str) -> None:
    """Each plain column of each row of the files, in Spark and in DuckDB."""
    obj = OBJECTS[name]
    columns = [one.name for one in obj.columns if isinstance(one.type, str)] + ["year", "month", "day"]
    listed = ", ".join(f'"{one}"' for one in columns)
    order = ", ".join(f'"{one}"' for one in (*obj.key, "record_version", "record_hash", "record_position"))
    spoken = asked.sql(f"SELECT {listed} FROM {obj.lake_table}_versions ORDER BY {order}").collect()
    ours = (
        reader.con_with_lake()
        .execute(f"SELECT {listed} FROM lake.main.{obj.table_name}_versions ORDER BY {order}")
        .fetchall()
    )
    assert len(ours) > 10
    assert [tuple(row) for row in spoken] == ours


def test_the_documents_question_has_one_answer(asked: Any) -> None:
    """Word for word; Spark sorts NULL first, which the question does not say."""
    queries = {one.name: one for one in named_queries(OBJECTS.values(), LAKE)}
    rows = [tuple(row) for row in asked.sql(queries["calls_by_direction_and_answer_type"].sql).collect()]
    assert sorted(rows, key=lambda row: (row[0] is None, row[0] or "", row[1])) == by_hand()
