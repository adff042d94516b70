"""`lake register`: Glue and Athena agree with the catalogue, again and again, and nothing of theirs is lost."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import boto3
import model_rules
import pytest
from homes import NARROW
from moto import mock_aws

from trunkline.aws.errors import RefusedError
from trunkline.cli.main import run
from trunkline.errors import TerminalError, UsageError
from trunkline.lake.glue import crawler, tables
from trunkline.lake.store import BucketStore
from trunkline.objects.catalogue import OBJECTS, VIEWS
from trunkline.objects.model import Object
from trunkline.pipelines.jobs.upkeep import RegisterOptions, ddl_of, register, tables_of, views_left_out
from trunkline.sql.lake.athena import NamedQuery, named_queries
from trunkline.sql.lake.glue import files_table

LAKE = "s3://analytics/lake"
ROLE = "arn:aws:iam::111122223333:role/service-role/GlueCrawlerRole"
Done = dict[str, tuple[str, str]]


class Catalogue:
    """Glue, with requests held against its model; and a way to register objects."""

    def __init__(self) -> None:
        self.glue, self.others = model_rules.hold(boto3.client("glue")), boto3.client("glue")
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="analytics")
        self.store = BucketStore(s3, "analytics", "lake/", LAKE)

    def register(self, *objects: Object, **wanted: Any) -> Done:
        """Register; what became of each thing, and what is new about it."""
        known = {obj.name: obj for obj in objects}
        done = register(known, LAKE, self.store, self.glue, FakeAthena(), RegisterOptions(**wanted))
        return {one.name: (one.action, one.detail) for one in done}

    def table(self, database: str, name: str) -> dict[str, Any]:
        """As Glue has it."""
        return self.glue.get_table(DatabaseName=database, Name=name)["Table"]

    def types(self, database: str, name: str) -> dict[str, str]:
        """Columns and their types."""
        return {c["Name"]: c["Type"] for c in self.table(database, name)["StorageDescriptor"]["Columns"]}

    def change(self, database: str, name: str, **changes: Any) -> None:
        """Somebody else changes a table."""
        held = self.table(database, name)
        kept = ("Name", "Description", "TableType", "Parameters", "PartitionKeys", "StorageDescriptor")
        given = {key: held[key] for key in kept if key in held}
        self.others.update_table(DatabaseName=database, TableInput={**given, **changes})


class FakeAthena:
    """Athena's named queries, of which moto has a part; requests are held against the service's model."""

    def __init__(self) -> None:
        self.held: dict[str, dict[str, str]] = {}
        model = boto3.client("athena").meta.service_model
        self.shapes = {name: model.operation_model(name).input_shape for name in model.operation_names}

    def get_paginator(self, name: str) -> FakeAthena:
        assert name == "list_named_queries"
        return self

    def paginate(self, WorkGroup: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        ids = [one for one, query in self.held.items() if query["WorkGroup"] == WorkGroup]
        for start in range(0, len(ids), 3):
            yield {"NamedQueryIds": ids[start : start + 3]}

    def batch_get_named_query(self, **given: Any) -> dict[str, Any]:
        model_rules.check(given, self.shapes["BatchGetNamedQuery"], "BatchGetNamedQuery")
        return {"NamedQueries": [self.held[one] | {"NamedQueryId": one} for one in given["NamedQueryIds"]]}

    def create_named_query(self, **given: Any) -> None:
        model_rules.check(given, self.shapes["CreateNamedQuery"], "CreateNamedQuery")
        self.held[f"id-{len(self.held)}"] = given

    def update_named_query(self, **given: Any) -> None:
        model_rules.check(given, self.shapes["UpdateNamedQuery"], "UpdateNamedQuery")
        self.held[given.pop("NamedQueryId")].update(given)


@pytest.fixture
def aws() -> Iterator[Catalogue]:
    """An account without anything."""
    with mock_aws():
        yield Catalogue()


def typed(obj: Object, **types: Any) -> Object:
    """The object with other types of some columns; None takes a column out."""
    columns = [replace(c, type=types.get(c.name, c.type)) for c in obj.columns if types.get(c.name, "") is not None]
    return replace(obj, columns=tuple(columns))


def test_everything_is_created_and_again_nothing_changes(aws: Catalogue) -> None:
    """All objects and their views; the second run and the third find all as it is."""
    first = aws.register(*OBJECTS.values())
    assert {action for action, _ in first.values()} == {"created"}
    assert {"connect_datalake", "post_call_analytics", "connect_datalake.contact_record_files",
            "connect_datalake.contact_record", "connect_datalake.contact_record_versions",
            "connect_datalake.contact_statistic_record", "post_call_analytics.calls_files"} <= first.keys()  # fmt: skip
    for _ in range(2):
        assert set(aws.register(*OBJECTS.values()).values()) == {("unchanged", "")}


def test_a_files_table_is_what_its_ddl_says(aws: Catalogue) -> None:
    """Columns, keys, location and projection; year, month and day are keys and no columns."""
    aws.register(OBJECTS["call"])
    table = aws.table("post_call_analytics", "calls_files")
    (ddl,) = (one for one in ddl_of({"call": OBJECTS["call"]}, LAKE) if "EXTERNAL TABLE" in one)
    for name, type_ in aws.types("post_call_analytics", "calls_files").items():
        assert f"  `{name}` {type_}" in ddl
    assert [one["Name"] for one in table["PartitionKeys"]] == ["year", "month", "day"]
    assert not {"year", "month", "day"} & aws.types("post_call_analytics", "calls_files").keys()
    assert table["StorageDescriptor"]["Location"] == "s3://analytics/lake/calls/"
    for name, value in table["Parameters"].items():
        assert name in ("EXTERNAL", "classification", "trunkline.catalogue") or f"'{name}' = '{value}'" in ddl


def test_a_view_says_the_same_as_its_ddl(aws: Catalogue) -> None:
    """Trino's record of it has the SQL of CREATE VIEW, and one type a column, the same as Glue shows."""
    aws.register(*OBJECTS.values())
    statements = ddl_of(OBJECTS, LAKE)
    for table in tables_of(OBJECTS, LAKE):
        if not table.is_view:
            continue
        held = aws.table(table.database, table.name)
        assert (held["TableType"], held["Parameters"]["presto_view"]) == ("VIRTUAL_VIEW", "true")
        text = held["ViewOriginalText"].removeprefix("/* Presto View: ").removesuffix(" */")
        view = json.loads(base64.b64decode(text))
        start = f'CREATE OR REPLACE VIEW "{table.database}"."{table.name}" AS\n'
        assert start + view["originalSql"] in statements
        assert (view["catalog"], view["schema"]) == ("awsdatacatalog", table.database)
        assert [one["name"] for one in view["columns"]] == list(aws.types(table.database, table.name))
        assert not [one for one in view["columns"] if "timestamp(6)" in one["type"]]


def test_columns_are_added_and_widened(aws: Catalogue) -> None:
    """A newer catalogue brings its columns; a longer number takes the place of a shorter one."""
    aws.register(typed(NARROW, score="integer", anything=None))
    done = aws.register(NARROW)
    assert done["test.narrow_files"] == ("updated", "score widened from int to bigint, new column anything")
    assert aws.types("test", "narrow_files")["score"] == "bigint"
    assert list(aws.types("test", "narrow_files")) == [c.name for c in NARROW.columns] + ["record_moved_to"]
    assert set(aws.register(NARROW).values()) == {("unchanged", "")}


def test_a_narrowing_is_refused_and_nothing_is_changed(aws: Catalogue) -> None:
    """The message names table, column, both types and what to do; other objects are not touched either."""
    aws.register(NARROW)
    before = aws.table("test", "narrow_files")
    with pytest.raises(TerminalError) as raised:
        aws.register(OBJECTS["call"], typed(NARROW, score="integer", phone="bigint"))
    text = str(raised.value)
    assert "nothing was registered" in text
    assert "test.narrow_files: column score is bigint in Glue and int in this catalogue" in text
    assert "test.narrow_files: column phone is string in Glue and bigint in this catalogue" in text
    assert "Declare a type that holds both, or a column of another name" in text
    assert aws.table("test", "narrow_files") == before
    assert [one["Name"] for one in aws.glue.get_databases()["DatabaseList"]] == ["test"]


def test_what_others_added_stays(aws: Catalogue) -> None:
    """A parameter of a crawler, and a column that only a newer catalogue knows."""
    aws.register(NARROW)
    held = aws.table("test", "narrow_files")
    storage = held["StorageDescriptor"]
    aws.change("test", "narrow_files", Parameters={**held["Parameters"], "owner": "ops"},
               StorageDescriptor={**storage, "Columns": [*storage["Columns"], {"Name": "later", "Type": "string"}]})  # fmt: skip
    aws.register(NARROW)
    assert aws.table("test", "narrow_files")["Parameters"]["owner"] == "ops"
    assert aws.types("test", "narrow_files")["later"] == "string"
    assert set(aws.register(NARROW).values()) == {("unchanged", "")}


def test_a_changed_view_is_put_back(aws: Catalogue) -> None:
    """A view is ours whole."""
    aws.register(NARROW)
    aws.change("test", "narrow", ViewOriginalText="/* Presto View: bm8= */", ViewExpandedText="/* Presto View */")
    assert aws.register(NARROW)["test.narrow"] == ("updated", "definition")
    assert aws.register(NARROW)["test.narrow"][0] == "unchanged"


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("narrow", {"TableType": "EXTERNAL_TABLE"}, "test.narrow exists as EXTERNAL_TABLE and must be VIRTUAL_VIEW"),
        ("narrow_files", {"Location": "s3://other/narrow/"}, "is registered for s3://other/narrow/, and this lake has it at"),
        ("narrow_files", {"PartitionKeys": [{"Name": "dt", "Type": "string"}]}, "is partitioned by dt and must be by year, month, day"),
    ],
)  # fmt: skip
def test_a_table_of_somebody_else_is_left_alone(
    aws: Catalogue, name: str, changes: dict[str, Any], message: str
) -> None:
    """What a crawler made over the same folder is refused with what to do, and not overwritten."""
    aws.register(NARROW)
    if "Location" in changes:
        changes = {"StorageDescriptor": {**aws.table("test", name)["StorageDescriptor"], **changes}}
    aws.change("test", name, **changes, **({} if "PartitionKeys" not in changes else {"Parameters": {}}))
    before = aws.table("test", name)
    with pytest.raises(TerminalError, match="drop it") as raised:
        aws.register(NARROW)
    assert message in str(raised.value)
    assert aws.table("test", name) == before


def test_partitions_by_name_without_projection(aws: Catalogue) -> None:
    """Each day that has files becomes a partition, once; more than one call takes are taken too."""
    days = [f"year=2026/month={month:02}/day={day:02}" for month in range(1, 6) for day in range(1, 29)]
    for place in days:
        aws.store.client.put_object(Bucket="analytics", Key=f"lake/test/narrow/{place}/x.parquet", Body=b"")
    done = aws.register(NARROW, is_projected=False)
    assert done["partitions of test.narrow_files"] == ("updated", "140 new")
    assert not [name for name in aws.table("test", "narrow_files")["Parameters"] if "projection" in name]
    pages = aws.glue.get_paginator("get_partitions").paginate(DatabaseName="test", TableName="narrow_files")
    found = {tuple(one["Values"]): one["StorageDescriptor"]["Location"] for page in pages for one in page["Partitions"]}
    assert len(found) == 140
    assert found["2026", "02", "11"] == "s3://analytics/lake/test/narrow/year=2026/month=02/day=11/"
    aws.store.client.put_object(
        Bucket="analytics", Key="lake/test/narrow/year=2027/month=01/day=01/x.parquet", Body=b""
    )
    assert aws.register(NARROW, is_projected=False)["partitions of test.narrow_files"] == ("updated", "1 new")
    assert set(aws.register(NARROW, is_projected=False).values()) == {("unchanged", ""), ("unchanged", "0 new")}
    # With projection again, nothing of the other way is left in the table.
    assert aws.register(NARROW)["test.narrow_files"][0] == "updated"
    assert aws.table("test", "narrow_files")["Parameters"]["projection.enabled"] == "true"


def test_the_applications_crawler(aws: Catalogue) -> None:
    """Name, role, schedule and configuration are the document's; it crawls the table, and keeping it twice is once."""
    done = aws.register(OBJECTS["call"], OBJECTS["scorecard"], crawler_role=ROLE)
    assert done["crawler post-call-analytics-calls-crawler"][0] == "created"
    assert done["crawler post-call-analytics-scorecards-crawler"][0] == "created"
    held = aws.glue.get_crawler(Name="post-call-analytics-calls-crawler")["Crawler"]
    assert held["Schedule"]["ScheduleExpression"] == "cron(0 * * * ? *)"
    assert held["DatabaseName"] == "post_call_analytics"
    assert json.loads(held["Configuration"]) == {
        "Version": 1.0,
        "CrawlerOutput": {
            "Partitions": {"AddOrUpdateBehavior": "InheritFromTable"},
            "Tables": {"AddOrUpdateBehavior": "MergeNewColumns"},
        },
    }
    assert [one["Tables"] for one in held["Targets"]["CatalogTargets"]] == [["calls_files"]]
    again = aws.register(OBJECTS["call"], OBJECTS["scorecard"], crawler_role=ROLE)
    assert set(again.values()) == {("unchanged", "")}


def test_a_crawler_with_another_role_is_updated() -> None:
    """Glue answers with the role's name alone; moto cannot update a crawler."""
    given = crawler.crawler_input(files_table(OBJECTS["call"], LAKE), "calls", ROLE)

    class Held:
        exceptions = boto3.client("glue").exceptions
        updated: ClassVar[list[str]] = []

        def get_crawler(self, Name: str) -> dict[str, Any]:  # noqa: N803
            held = {**given, "Role": "GlueCrawlerRole", "Schedule": {"ScheduleExpression": given["Schedule"]}}
            return {"Crawler": {**held, "Targets": {**given["Targets"], "S3Targets": []}}}

        def update_crawler(self, **wanted: Any) -> None:
            self.updated.append(wanted["Role"])

    held = Held()
    assert crawler.register_crawler(held, given).action == "unchanged"
    assert crawler.register_crawler(held, {**given, "Role": "Other"}).action == "updated"
    assert held.updated == ["Other"]


def test_queries_are_kept_in_athena_once() -> None:
    """Created, found again among pages of others, updated where their text changed; others' are left alone."""
    client = FakeAthena()
    client.create_named_query(Name="mine", Database="test", WorkGroup="primary", QueryString="SELECT 1")
    queries = named_queries(OBJECTS.values(), LAKE)
    keep = tables.register_queries
    assert {one.action for one in keep(client, queries, "primary")} == {"created"}
    assert {one.action for one in keep(client, queries, "primary")} == {"unchanged"}
    changed = [*queries[:-1], replace(queries[-1], sql="SELECT 2")]
    done = {one.name: one.action for one in keep(client, changed, "primary")}
    assert [name for name, action in done.items() if action == "updated"] == [f"query {queries[-1].name}"]
    assert len(client.held) == len(queries) + 1
    assert client.held["id-0"]["QueryString"] == "SELECT 1"


@pytest.mark.parametrize(
    ("operation", "needed"),
    [
        ("GetDatabase", "glue:GetDatabase on the Glue database post_call_analytics"),
        ("CreateDatabase", "glue:CreateDatabase on the Glue database post_call_analytics"),
        ("GetTable", "glue:GetTable on the Glue table post_call_analytics.calls_files"),
        ("CreateTable", "glue:CreateTable on the Glue table post_call_analytics.calls_files"),
        ("GetPartitions", "glue:GetPartitions on the Glue table post_call_analytics.calls_files"),
        ("GetCrawler", "glue:GetCrawler on the Glue crawler post-call-analytics-calls-crawler"),
    ],
)
def test_a_denied_call_names_the_permission(aws: Catalogue, operation: str, needed: str) -> None:
    """And what it is needed on; what was registered before it stays, so that the next run goes on there."""
    if operation in ("GetTable", "GetPartitions"):
        aws.register(OBJECTS["call"])

    def refuse(**_: Any) -> Any:
        answer = type("Answer", (), {"status_code": 400})()
        return answer, {"Error": {"Code": "AccessDeniedException", "Message": ""}, "ResponseMetadata": {}}

    aws.glue.meta.events.register(f"before-call.glue.{operation}", refuse)
    with pytest.raises(RefusedError, match=f"need {needed}"):
        aws.register(OBJECTS["call"], is_projected=False, crawler_role=ROLE)


def test_views_that_need_more_objects_are_named() -> None:
    """With one object alone, the views that join it with others are not made; with all, none is left out."""
    assert views_left_out({"call": OBJECTS["call"]})["post_call_analytics.calls"] == [
        name for name in VIEWS["calls"].needs if name != "call"
    ]
    assert views_left_out(dict(OBJECTS)) == {}
    assert views_left_out({}) == {}


def by_name() -> dict[str, NamedQuery]:
    return {one.name: one for one in named_queries(OBJECTS.values(), LAKE)}


def test_the_documents_statements_are_there() -> None:
    """Word for word, but that MSCK REPAIR names the table that has partitions."""
    queries = by_name()
    assert len(queries) == len(named_queries(OBJECTS.values(), LAKE)), "a name comes twice"
    assert queries["repair_calls"].sql == "MSCK REPAIR TABLE `post_call_analytics`.`calls_files`"
    assert queries["repair_scorecards"].sql == "MSCK REPAIR TABLE `post_call_analytics`.`scorecards_files`"
    assert (
        queries["calls_by_direction_and_answer_type"].sql
        == """SELECT
    direction,
    answer_type,
    COUNT(*) as call_count,
    AVG(call_duration_seconds) as avg_duration_seconds,
    SUM(CASE WHEN call_duration_seconds > 60 THEN 1 ELSE 0 END) as calls_over_one_minute
FROM post_call_analytics.calls
WHERE year = '2026' AND month = '02' AND day = '11'
GROUP BY direction, answer_type
ORDER BY direction, answer_type"""
    )


def test_only_a_lake_in_s3_is_registered(aws: Catalogue) -> None:
    """Athena reads nothing else."""
    with pytest.raises(UsageError, match="Athena reads only S3"):
        register({}, "file:///data/lake", aws.store, aws.glue, FakeAthena())


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Register, dry run, one object, queries by name; a wrong name and a wrong day are said."""
    home = ["--home", str(tmp_path / "home")]
    assert run(["lake", "register", *home]) == 2
    assert "Athena reads only S3" in capsys.readouterr().err
    monkeypatch.setenv("TRUNKLINE_LAKE", LAKE)
    assert run(["lake", "register", *home, "--dry-run", "--object", "call"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("CREATE SCHEMA IF NOT EXISTS `post_call_analytics`;")
    assert "contact_record" not in shown
    with mock_aws():
        assert run(["lake", "register", *home, "--object", "call", "--output", "json"]) == 0
        said = capsys.readouterr()
        first = json.loads(said.out)
        assert "The view post_call_analytics.calls was left as it is: it needs" in said.err
        assert first[1] == {"name": "post_call_analytics.calls_files", "action": "created", "what": None}
        assert run(["lake", "register", *home, "--object", "call", "--output", "json"]) == 0
        assert {one["action"] for one in json.loads(capsys.readouterr().out)} == {"unchanged"}
    assert run(["lake", "query", "calls_by_direction_and_answer_type", *home, "--day", "2026-03-01"]) == 0
    assert "year = '2026' AND month = '03' AND day = '01'" in capsys.readouterr().out
    assert run(["lake", "query", "repair_cals", *home]) == 2
    assert "did you mean 'repair_calls'?" in capsys.readouterr().err
    assert run(["lake", "query", "repair_calls", *home, "--day", "tomorrow"]) == 2
    assert "--day 'tomorrow' is not a valid date" in capsys.readouterr().err
