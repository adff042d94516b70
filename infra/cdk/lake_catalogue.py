"""Glue's databases and tables over the lake's files, with crawlers and tags of personal data by option."""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_glue as glue
from aws_cdk import aws_lakeformation as lakeformation
from parts import TrunklineStack, keep

from trunkline.lake.glue.crawler import CONFIGURATION, SCHEDULE, crawler_name
from trunkline.objects.catalogue import OBJECTS
from trunkline.sql.lake.glue import CatalogueTable, files_table


class LakeCatalogue:
    """A table for each object, in the databases that they name. Views come with `trunkline lake register`."""

    def __init__(self, stack: TrunklineStack, bucket_arn: str, key_arn: str) -> None:
        self._stack, self._bucket_arn, self._key_arn = stack, bucket_arn, key_arn
        tables = [files_table(obj, f"s3://{stack.config.bucket}") for obj in OBJECTS.values()]
        databases = {
            name: glue.CfnDatabase(
                self._stack,
                f"{_camel(name)}Database",
                catalog_id=self._stack.account,
                database_input=glue.CfnDatabase.DatabaseInputProperty(
                    name=name, description="Tables of a Trunkline lake."
                ),
            )
            for name in dict.fromkeys(table.database for table in tables)
        }
        for table in tables:
            made = glue.CfnTable(
                self._stack,
                f"{_camel(table.database)}{_camel(table.name)}Table",
                catalog_id=self._stack.account,
                database_name=table.database,
                table_input=_lower(table.input),
            )
            made.node.add_dependency(keep(databases[table.database]))
            keep(made)
            if self._stack.config.lake.lake_formation:
                self._tags(table, made)
        if self._stack.config.lake.crawlers:
            self._crawlers(tables)

    def _crawlers(self, tables: list[CatalogueTable]) -> None:
        """The documents' crawlers, hourly, on the catalogue's own tables."""
        reads = [
            {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{self._bucket_arn}/{obj.lake_folder}/*"}
            for obj in OBJECTS.values()
        ]
        databases = dict.fromkeys(table.database for table in tables)
        changes = {
            "Effect": "Allow",
            "Action": [
                "glue:GetDatabase", "glue:GetTable", "glue:UpdateTable", "glue:GetPartitions", "glue:BatchGetPartition",
                "glue:BatchCreatePartition", "glue:CreatePartition", "glue:UpdatePartition", "glue:GetPartition",
            ],
            "Resource": [
                self._stack.arn("glue", "catalog"),
                *(self._stack.arn("glue", f"database/{name}") for name in databases),
                *(self._stack.arn("glue", f"table/{table.database}/{table.name}") for table in tables),
            ],
        }  # fmt: skip
        log = {
            "Effect": "Allow",
            "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": self._stack.arn("logs", "log-group:/aws-glue/crawlers*"),
        }
        listing = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": self._bucket_arn}
        decrypts = [{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": self._key_arn}] if self._key_arn else []
        role = self._stack.role(
            "Crawler", "glue", {"lake": [*reads, listing, *decrypts], "catalogue": [changes], "log": [log]}
        )
        for table in tables:
            glue.CfnCrawler(
                self._stack,
                f"{_camel(table.database)}{_camel(table.name)}Crawler",
                name=self._stack.config.named(crawler_name(table.database, table.name.removesuffix("_files"))),
                role=role.attr_arn,
                database_name=table.database,
                targets=glue.CfnCrawler.TargetsProperty(
                    catalog_targets=[
                        glue.CfnCrawler.CatalogTargetProperty(database_name=table.database, tables=[table.name])
                    ]
                ),
                schedule=glue.CfnCrawler.ScheduleProperty(schedule_expression=SCHEDULE),
                schema_change_policy=glue.CfnCrawler.SchemaChangePolicyProperty(
                    update_behavior="UPDATE_IN_DATABASE", delete_behavior="LOG"
                ),
                configuration=CONFIGURATION,
            )

    def _tags(self, table: CatalogueTable, made: glue.CfnTable) -> None:
        """Each column's class of personal data, for Lake Formation's tag-based grants."""
        tag = self._stack.node.try_find_child("PersonalDataTag") or lakeformation.CfnTag(
            self._stack, "PersonalDataTag", tag_key="trunkline-personal-data", tag_values=["none", "indirect", "direct"]
        )
        obj = next(obj for obj in OBJECTS.values() if files_table(obj, "s3://x").name == table.name)
        for level in ("direct", "indirect"):
            names = [column.name for column in obj.columns if column.pii == level]
            if names:
                association = lakeformation.CfnTagAssociation(
                    self._stack,
                    f"{_camel(table.database)}{_camel(table.name)}{level.capitalize()}Tags",
                    lf_tags=[
                        lakeformation.CfnTagAssociation.LFTagPairProperty(
                            catalog_id=self._stack.account, tag_key="trunkline-personal-data", tag_values=[level]
                        )
                    ],
                    resource=lakeformation.CfnTagAssociation.ResourceProperty(
                        table_with_columns=lakeformation.CfnTagAssociation.TableWithColumnsResourceProperty(
                            catalog_id=self._stack.account,
                            database_name=table.database,
                            name=table.name,
                            column_names=names,
                        )
                    ),
                )
                association.node.add_dependency(tag)
                association.node.add_dependency(made)


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _lower(value: Any) -> Any:
    """Glue's own keys as the CDK spells them (`tableType`); keys of free maps stay."""
    if isinstance(value, list):
        return [_lower(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name[:1].lower() + name[1:]: inner if name == "Parameters" else _lower(inner) for name, inner in value.items()
    }
