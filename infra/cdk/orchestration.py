"""Schedules, state machines, the dashboard and the budget (documents 000 and 001)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct
from data_pipeline import DataPipelineStack
from firings import Firing, schedule, schedule_role
from parts import TrunklineStack

from machines import StateMachines
from trunkline.deploy.config import DeployConfig
from trunkline.deploy.policies import Resources
from warehouse import WarehouseStack


class OrchestrationStack(TrunklineStack):
    """what runs on a schedule, the dashboard of everything, and the budget."""

    def __init__(
        self, scope: Construct, config: DeployConfig, lake: DataPipelineStack, watched: Sequence[TrunklineStack]
    ) -> None:
        super().__init__(scope, "OrchestrationStack", config, topic_arn=lake.topic_arn)
        warehouse = next((stack for stack in watched if isinstance(stack, WarehouseStack)), None)
        if config.connect.collect:
            self._collect(lake, warehouse)
        if config.orchestration.objects and warehouse is not None:
            StateMachines(self, lake, warehouse)
        self._dashboard([*watched, self])
        if config.watch.monthly_budget_usd:
            self._budget()

    def _collect(self, lake: DataPipelineStack, warehouse: WarehouseStack | None) -> None:
        """Contacts through the Connect API, at the documents' times; into the warehouse, where there is one."""
        connect = self.config.connect
        arns, keys = lake.lake_resources()
        arns["instances"] = list(connect.instances)
        variables = lake.lake_variables() | {
            "TRUNKLINE_HOME": "/tmp/trunkline",  # noqa: S108 - the only place that a function may write to
            "TRUNKLINE_LAKE": f"s3://{self.config.bucket}",
            "TRUNKLINE_CONNECT_INSTANCES": ",".join(connect.instances),
            "TRUNKLINE_COLLECT_SCHEDULE": connect.schedule,
            "TRUNKLINE_COLLECT_ZONE": connect.zone,
        }
        del variables["ANALYTICS_BUCKET"]
        if not self.config.lake.pii_key_secret:
            variables["TRUNKLINE_PII"] = "drop"
        if warehouse is not None and self.config.warehouse.install:
            arns |= {"redshift": warehouse.redshift_arns(), "staging": [lake.bucket_arn]}
            keys |= {"staging": lake.key_arn} if lake.key_arn else {}
            variables |= {"TRUNKLINE_WAREHOUSE": warehouse.url(lake), "TRUNKLINE_ZONE": self.config.warehouse.zone}
        resources = Resources(arns, keys, {"staging": ["_staging/"]}, self.region)
        made = self.function("collect", resources, (), variables)
        dead_arn = self.dead_letters("CollectSchedule").attr_arn
        role_arn = schedule_role(self, "CollectSchedule", made, dead_arn)
        firing = Firing("trunkline-collect", connect.schedule, connect.zone)
        schedule(self, "CollectSchedule", firing, made, role_arn, dead_arn, json.dumps({"source": "aws.scheduler"}))

    def _dashboard(self, watched: Sequence[TrunklineStack]) -> None:
        """Every alarm's metric and state, one section a stack."""
        widgets: list[dict[str, Any]] = []
        for stack in watched:
            alarms = [alarm for alarm in stack.alarms if stack.region == self.region]
            if not alarms:
                continue
            title = {"type": "text", "width": 24, "height": 1, "properties": {"markdown": f"## {stack.stack_name}"}}
            states = {
                "type": "alarm",
                "width": 24,
                "height": 3,
                "properties": {
                    "title": "Alarms",
                    "alarms": [self.arn("cloudwatch", f"alarm:{alarm.alarm_name}") for alarm in alarms],
                },
            }
            widgets += [title, states, *(self._chart(alarm) for alarm in alarms)]
        cloudwatch.CfnDashboard(
            self,
            "Dashboard",
            dashboard_name=self.config.named("trunkline"),
            dashboard_body=self.to_json_string({"widgets": widgets}),
        )

    def _chart(self, alarm: cloudwatch.CfnAlarm) -> dict[str, Any]:
        dimensions: list[Any] = []
        for dimension in alarm.dimensions or ():
            dimensions += [dimension.name, dimension.value]
        metric = [alarm.namespace, alarm.metric_name, *dimensions, {"stat": alarm.statistic}]
        properties = {
            "title": alarm.alarm_name,
            "region": self.region,
            "period": 300,
            "metrics": [metric],
            "annotations": {"horizontal": [{"value": alarm.threshold, "label": "alarm"}]},
        }
        return {"type": "metric", "width": 8, "height": 5, "properties": properties}

    def _budget(self) -> None:
        """A mail at 80 % of the month's budget for everything tagged with the application."""
        watch = self.config.watch
        mail = [budgets.CfnBudget.SubscriberProperty(subscription_type="EMAIL", address=watch.email)]
        notification = budgets.CfnBudget.NotificationWithSubscribersProperty(
            notification=budgets.CfnBudget.NotificationProperty(
                comparison_operator="GREATER_THAN", notification_type="FORECASTED", threshold=80
            ),
            subscribers=mail,
        )
        budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_name=self.config.named("trunkline"),
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=watch.monthly_budget_usd, unit="USD"),
                cost_filters={"TagKeyValue": ["user:application$trunkline"]},
            ),
            notifications_with_subscribers=[notification] if watch.email else None,
        )
