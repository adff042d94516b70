"""The functions that state machines call: what each may reach, and the settings that they share."""

from __future__ import annotations

from collections.abc import Mapping

from data_pipeline import DataPipelineStack
from parts import Deployed, TrunklineStack

from trunkline.deploy.functions import Kind
from trunkline.deploy.policies import Resources
from trunkline.objects.catalogue import OBJECTS
from trunkline.objects.model import Object
from warehouse import WarehouseStack


class RunFunctions:
    """Makes the functions of the chosen objects' state machines, in one stack."""

    def __init__(self, stack: TrunklineStack, lake: DataPipelineStack, warehouse: WarehouseStack) -> None:
        self._stack, self._lake, self._warehouse = stack, lake, warehouse
        self._chosen = stack.config.orchestration
        self._sources = dict(entry.split("=", 1) for entry in self._chosen.sources)
        self.objects: list[Object] = [OBJECTS[name] for name in self._chosen.objects]

    def stage(self, module: str) -> Deployed:
        """A function of a run. The machine repeats what fails and has an alarm of its own for what it cannot cure."""
        arns, keys = self._lake_resources()
        arns["redshift"], arns["staging"] = self._warehouse.redshift_arns(), [self._lake.bucket_arn]
        arns["sources"] = [self._folder(url) for url in self._sources.values() if url.startswith("s3://")]
        if self._reads_instances:
            arns["instances"] = list(self._stack.config.connect.instances)
        if self._lake.topic_arn:
            arns["topic"], keys["topic"] = [self._lake.topic_arn], self._lake.topic_key_arn
        if "lake" in keys:
            keys["staging"] = keys["lake"]
        return self._function(module, arns, keys, self._run_variables())

    def backfill_files(self) -> Deployed:
        """The function that puts a batch of a backfill's files into the lake."""
        arns, keys = self._lake_resources()
        arns["sources"] = [self._folder(url) for url in self._chosen.backfill]
        return self._function("stages.backfill_files", arns, keys, self._lake_variables())

    def summarize(self) -> Deployed:
        """The function that names the objects that failed. It calls nothing."""
        return self._stack.function("stages.summarize", Resources({}), (), {}, has_error_alarm=False)

    def start_run(self, machines: list[str], dead_arn: str) -> Deployed:
        """The function that a firing calls. It knows schedules, and no secret."""
        arns: dict[Kind, list[str]] = {"machines": machines, "undelivered": [dead_arn]}
        variables = {"ANALYTICS_BUCKET": self._stack.config.bucket, **self._schedules()}
        resources = Resources(arns, {}, {}, self._stack.region)
        return self._stack.function("stages.start_run", resources, ("schedule",), variables)

    def _function(
        self, module: str, arns: dict[Kind, list[str]], keys: dict[Kind, str], variables: Mapping[str, str]
    ) -> Deployed:
        prefixes: dict[Kind, list[str]] = {
            "rows": [f"{obj.lake_folder}/" for obj in self.objects],
            "staging": ["_staging/"],
        }
        resources = Resources(arns, keys, prefixes, self._stack.region)
        return self._stack.function(module, resources, (), variables, has_error_alarm=False)

    def _lake_resources(self) -> tuple[dict[Kind, list[str]], dict[Kind, str]]:
        arns, keys = self._lake.lake_resources()
        arns["rows"] = [self._lake.bucket_arn]
        if "lake" in keys:
            keys["rows"] = keys["lake"]
        if self._chosen.key_arn:
            keys["sources"] = self._chosen.key_arn
        return arns, keys

    def _folder(self, url: str) -> str:
        """The ARN of a bucket's prefix."""
        return self._stack.arn("s3", url.removeprefix("s3://"), region="", account="")

    @property
    def _reads_instances(self) -> bool:
        return any(obj.scheduled_source and obj.name not in self._sources for obj in self.objects)

    def _lake_variables(self) -> dict[str, str]:
        has_key = bool(self._stack.config.lake.pii_key_secret)
        return self._lake.lake_variables() | ({} if has_key else {"TRUNKLINE_PII": "drop"})

    def _schedules(self) -> dict[str, str]:
        """When objects are run, by which windows are found. Rules of EventBridge are in UTC."""
        chosen = self._chosen
        zone = chosen.zone if chosen.trigger == "scheduler" else "UTC"
        variables = {
            "TRUNKLINE_COLLECT_SCHEDULE": chosen.schedule,
            "TRUNKLINE_COLLECT_ZONE": zone,
            "TRUNKLINE_RUN_SCHEDULES": ",".join(f"{name}={chosen.schedule}" for name in chosen.objects),
            "TRUNKLINE_RUN_ZONE": zone,
        }
        return variables | ({"TRUNKLINE_RUN_SOURCES": ",".join(chosen.sources)} if chosen.sources else {})

    def _run_variables(self) -> dict[str, str]:
        optional = {
            "TRUNKLINE_CONNECT_INSTANCES": ",".join(self._stack.config.connect.instances),
            "TRUNKLINE_RUN_TOPIC": self._lake.topic_arn,
        }
        return {
            **self._lake_variables(),
            **self._schedules(),
            "TRUNKLINE_WAREHOUSE": self._warehouse.url(self._lake),
            "TRUNKLINE_ZONE": self._stack.config.warehouse.zone,
            **{name: value for name, value in optional.items() if value},
        }
