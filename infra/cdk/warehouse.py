"""Redshift: an existing cluster or a serverless workgroup, the role of COPY, and releases (document 004)."""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_redshiftserverless as serverless
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct
from data_pipeline import DataPipelineStack
from parts import Deployed, TrunklineStack, keep
from release_api import release_api

from trunkline.deploy.config import DeployConfig
from trunkline.deploy.functions import Kind
from trunkline.deploy.policies import Resources


class WarehouseStack(TrunklineStack):
    """Redshift, the role of COPY, and the function that runs releases of stored procedures."""

    def __init__(self, scope: Construct, config: DeployConfig, lake: DataPipelineStack) -> None:
        super().__init__(scope, "WarehouseStack", config, topic_arn=lake.topic_arn)
        self.copy_role = self._copy_role(lake)
        if config.warehouse.mode == "serverless":
            self._serverless(lake)
        made = self._releases()
        if config.warehouse.release_schedule:
            self._schedule(made)
        if config.warehouse.api:
            release_api(self, made)

    def _copy_role(self, lake: DataPipelineStack) -> Any:
        """What COPY reads the lake's staged files with; name it in the warehouse's URL as iam_role."""
        reads = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{lake.bucket_arn}/_staging/*"}
        lists = {
            "Effect": "Allow",
            "Action": ["s3:GetBucketLocation", "s3:ListBucket"],
            "Resource": lake.bucket_arn,
        }
        key = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": lake.key_arn}
        statement = [reads, lists, *([key] if lake.key_arn else [])]
        service = "redshift-serverless" if self.config.warehouse.mode == "serverless" else "redshift"
        return self.role("Copy", service, {"read-staged": statement})

    def _serverless(self, lake: DataPipelineStack) -> None:
        """A namespace whose administrator's password Redshift makes and keeps in Secrets Manager."""
        warehouse = self.config.warehouse
        name = self.config.named(warehouse.workgroup)
        namespace = keep(
            serverless.CfnNamespace(
                self,
                "Namespace",
                namespace_name=name,
                db_name=warehouse.database,
                manage_admin_password=True,
                kms_key_id=lake.key_arn or None,
                iam_roles=[self.copy_role.attr_arn],
                default_iam_role_arn=self.copy_role.attr_arn,
                log_exports=["userlog", "connectionlog", "useractivitylog"],
            )
        )
        workgroup = serverless.CfnWorkgroup(
            self,
            "Workgroup",
            workgroup_name=name,
            namespace_name=name,
            base_capacity=warehouse.base_rpu,
            publicly_accessible=False,
            enhanced_vpc_routing=True,
            subnet_ids=list(warehouse.subnet_ids) or None,
            config_parameters=[
                serverless.CfnWorkgroup.ConfigParameterProperty(parameter_key="require_ssl", parameter_value="true")
            ],
        )
        workgroup.node.add_dependency(namespace)
        self.workgroup = workgroup

    def redshift_arns(self) -> list[str]:
        """What a function signs in to."""
        warehouse = self.config.warehouse
        if warehouse.secret:
            signs_in = [warehouse.secret]
        elif warehouse.mode == "cluster":
            signs_in = [
                self.arn("redshift", f"dbname:{warehouse.cluster}/{warehouse.database}"),
                self.arn("redshift", f"dbuser:{warehouse.cluster}/{warehouse.user}"),
            ]
        else:
            signs_in = []
        if warehouse.mode == "serverless":
            # Composed, so that policies see which kind of resource it is; the ARN as a whole is known when deployed.
            name = f"workgroup/{self.workgroup.attr_workgroup_workgroup_id}"
            return [self.arn("redshift-serverless", name), *signs_in]
        return [self.arn("redshift", f"cluster:{warehouse.cluster}"), *signs_in]

    def url(self, lake: DataPipelineStack) -> str:
        """The warehouse as a setting of functions, with the place that COPY reads from."""
        warehouse = self.config.warehouse
        options = f"staging=s3://{lake.config.bucket}/_staging&iam_role={self.copy_role.attr_arn}"
        if warehouse.secret:
            options = f"secret_arn={warehouse.secret}&{options}"
        if warehouse.mode == "serverless":
            name = self.config.named(warehouse.workgroup)
            return f"redshift+data://{name}/{warehouse.database}?serverless=true&{options}"
        user = "" if warehouse.secret else f"db_user={warehouse.user}&"
        return f"redshift+data://{warehouse.cluster}/{warehouse.database}?{user}{options}"

    def _releases(self) -> Deployed:
        """The function RedshiftS3SP2."""
        warehouse = self.config.warehouse
        arns: dict[Kind, list[str]] = {
            "releases": [self.arn("s3", warehouse.release_bucket, region="", account="")],
            "redshift": self.redshift_arns(),
        }
        variables = {
            "DATABASE": warehouse.database,
            "RELEASE_BUCKET": warehouse.release_bucket,
            "RELEASE_PREFIX": warehouse.release_prefix,
        }
        if warehouse.mode == "serverless":
            variables["WORKGROUP"] = self.config.named(warehouse.workgroup)
        else:
            variables["CLUSTER_ID"] = warehouse.cluster
        if warehouse.secret:
            variables["SECRET_ARN"] = warehouse.secret
        elif warehouse.mode == "cluster":
            variables["DB_USER"] = warehouse.user
        prefix = warehouse.release_prefix
        resources = Resources(arns, {}, {"releases": [prefix]}, self.region)
        return self.function("release", resources, (), variables)

    def _schedule(self, made: Deployed) -> None:
        dead = self.dead_letters("ReleaseSchedule")
        calls = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": made.function.attr_arn}
        sends = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": dead.attr_arn}
        role = self.role("ReleaseSchedule", "scheduler", {"invoke": [calls, sends]})
        scheduler.CfnSchedule(
            self,
            "ReleaseSchedule",
            name=self.config.named("trunkline-release"),
            schedule_expression=self.config.warehouse.release_schedule,
            schedule_expression_timezone=self.config.connect.zone,
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=made.function.attr_arn,
                role_arn=role.attr_arn,
                input="{}",
                dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(arn=dead.attr_arn),
                # A release that was started is resumed by hand; a second start at once would wait for its lock.
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(maximum_retry_attempts=0),
            ),
        )
