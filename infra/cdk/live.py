"""Live points: three functions that write to InfluxDB or Timestream, and Grafana by option (document 003)."""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_grafana as grafana
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_timestream as timestream
from constructs import Construct
from data_pipeline import DataPipelineStack
from firings import Firing, schedule, schedule_role
from parts import TrunklineStack, keep
from stream import CONTACT_EVENTS, StreamStack

from trunkline.deploy.config import DeployConfig
from trunkline.deploy.functions import FUNCTIONS, Kind
from trunkline.deploy.policies import Resources


class TimestreamStack(TrunklineStack):
    """the database of live points, in a Region that has Timestream."""

    def __init__(self, scope: Construct, config: DeployConfig) -> None:
        super().__init__(scope, "TimestreamStack", config, region=config.live.region)
        live = config.live
        key = self.key("LiveKey", "Trunkline's live points", ["timestream"])
        database = keep(timestream.CfnDatabase(self, "Database", database_name=live.database, kms_key_id=key.attr_arn))
        table = keep(
            timestream.CfnTable(
                self,
                "Table",
                database_name=live.database,
                table_name=live.table,
                retention_properties={
                    "MemoryStoreRetentionPeriodInHours": str(live.memory_hours),
                    "MagneticStoreRetentionPeriodInDays": str(live.magnetic_days),
                },
                magnetic_store_write_properties={"EnableMagneticStoreWrites": True},
            )
        )
        table.node.add_dependency(database)


class LiveStack(TrunklineStack):
    """points of agents, contacts and queues for boards, as they happen."""

    def __init__(
        self, scope: Construct, config: DeployConfig, streams: StreamStack | None, lake: DataPipelineStack
    ) -> None:
        super().__init__(scope, "LiveStack", config, topic_arn=lake.topic_arn)
        self.letters = self._letters()
        if streams is not None:
            self._agent_events(streams, lake.failures_arn)
        self._contact_events()
        if config.connect.instances:
            self._instance_data()
        if config.live.grafana:
            self._grafana()

    def _letters(self) -> sqs.CfnQueue:
        """What no point can be made of."""
        return self.dead_letters("Letters")

    def _resources(self) -> tuple[dict[Kind, list[str]], dict[Kind, str]]:
        live = self.config.live
        arns: dict[Kind, list[str]] = {"letters": [self.letters.attr_arn]}
        if live.store == "timestream":
            table = f"database/{live.database}/table/{live.table}"
            arns |= {"live_table": [self.arn("timestream", table, live.region)], "live_service": ["*"]}
        if live.token_secret:
            arns["live_token"] = [live.token_secret]
        return arns, {}

    def _variables(self) -> dict[str, str]:
        live = self.config.live
        stores = {
            "influx": live.url,
            "timestream": f"timestream://{live.database}/{live.table}?region={live.region}",
        }
        secret = {"TRUNKLINE_LIVE_TOKEN": f"secretsmanager:{live.token_secret}"} if live.token_secret else {}
        return {"TRUNKLINE_LIVE_STORE": stores[live.store], "TRUNKLINE_LETTER_QUEUE": self.letters.ref, **secret}

    def _agent_events(self, streams: StreamStack, failures_arn: str) -> None:
        arns, keys = self._resources()
        arns |= {"stream": streams.stream_arns(), "failures": [failures_arn]}
        if streams.key_arn:
            keys["stream"] = streams.key_arn
        resources = Resources(arns, keys, {}, self.region)
        made = self.function("persist_agent_event", resources, ("kinesis",), self._variables())
        for place, arn in enumerate(streams.stream_arns()):
            self.read_stream(f"LiveStream{place + 1}", made, arn, failures_arn, "kinesis")

    def _contact_events(self) -> None:
        queue = self.rule_to_queue("LiveContactEvents", CONTACT_EVENTS, FUNCTIONS["persist_contact_event"].timeout_s)
        arns, keys = self._resources()
        arns["event_queue"] = [queue.attr_arn]
        resources = Resources(arns, keys, {}, self.region)
        made = self.function("persist_contact_event", resources, ("sqs",), self._variables())
        self.read_queue("LiveContactEvents", made, queue)

    def _instance_data(self) -> None:
        arns, keys = self._resources()
        instances = self.config.connect.instances
        arns["instances"] = list(instances)
        variables = self._variables() | {"TRUNKLINE_CONNECT_INSTANCES": ",".join(instances)}
        made = self.function("persist_instance_data", Resources(arns, keys, {}, self.region), (), variables)
        role_arn = schedule_role(self, "InstanceDataSchedule", made)
        # The next minute's run reads what this one did not.
        firing = Firing("trunkline-instance-data", "rate(1 minute)", retries=0)
        schedule(self, "InstanceDataSchedule", firing, made, role_arn)

    def _grafana(self) -> None:
        """A workspace that may read Athena, CloudWatch and Timestream as its data sources do."""
        live = self.config.live
        statement: list[dict[str, Any]] = [
            {
                "Effect": "Allow",
                "Action": [
                    "athena:GetQueryExecution", "athena:GetQueryResults", "athena:GetWorkGroup",
                    "athena:StartQueryExecution", "athena:StopQueryExecution",
                ],
                "Resource": self.arn("athena", f"workgroup/{self.config.named('trunkline')}"),
            }
        ]  # fmt: skip
        if live.store == "timestream":
            table = f"database/{live.database}/table/{live.table}"
            reads = {
                "Effect": "Allow",
                "Action": "timestream:Select",
                "Resource": self.arn("timestream", table, live.region),
            }
            finds = {"Effect": "Allow", "Action": "timestream:DescribeEndpoints", "Resource": "*"}
            statement += [reads, finds]
        role = self.role("Grafana", "grafana", {"query": statement})
        keep(
            grafana.CfnWorkspace(
                self,
                "Grafana",
                name=self.config.named("trunkline"),
                account_access_type="CURRENT_ACCOUNT",
                authentication_providers=["AWS_SSO"],
                permission_type="CUSTOMER_MANAGED",
                data_sources=["ATHENA", "CLOUDWATCH", *(["TIMESTREAM"] if live.store == "timestream" else [])],
                role_arn=role.attr_arn,
            )
        )
