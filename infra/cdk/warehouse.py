"""Redshift: an existing cluster or a serverless workgroup, what is installed in it, and releases (document 004)."""

from __future__ import annotations

from typing import Any

from aws_cdk import CustomResource, Duration, Fn
from aws_cdk import aws_redshiftserverless as serverless
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct
from data_pipeline import DataPipelineStack
from parts import Deployed, TrunklineStack, keep
from release_api import release_api

from trunkline.deploy.config import DeployConfig
from trunkline.deploy.functions import FUNCTIONS, Kind
from trunkline.deploy.install_warehouse import VERSION_PROPERTY, version_of
from trunkline.deploy.policies import Resources
from trunkline.limits import CUSTOM_RESOURCE_S_MAX

ADMIN = "trunkline_admin"
"""The administrator of a namespace that is made."""


class WarehouseStack(TrunklineStack):
    """Redshift, the role of COPY, the warehouse's tables, and the function that runs releases of procedures."""

    def __init__(self, scope: Construct, config: DeployConfig, lake: DataPipelineStack) -> None:
        super().__init__(scope, "WarehouseStack", config, topic_arn=lake.topic_arn)
        self.copy_role = self._copy_role(lake)
        if config.warehouse.mode == "serverless":
            self._serverless(lake)
        if config.warehouse.install:
            self._installation()
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
        """A namespace and its workgroup. The administrator's password is made in Secrets Manager and stays there."""
        warehouse = self.config.warehouse
        name = self.config.named(warehouse.workgroup)
        # Redshift can manage the password itself, but CloudFormation does not tell the ARN of that secret.
        secret = keep(
            secretsmanager.CfnSecret(
                self,
                "AdminSecret",
                description=f"Trunkline: the administrator of the namespace {name}",
                generate_secret_string=secretsmanager.CfnSecret.GenerateSecretStringProperty(
                    secret_string_template=f'{{"username":"{ADMIN}"}}',
                    generate_string_key="password",
                    password_length=48,
                    exclude_punctuation=True,
                ),
            )
        )
        self._admin_secret = self._composed_secret_arn(secret.ref)
        namespace = keep(
            serverless.CfnNamespace(
                self,
                "Namespace",
                namespace_name=name,
                db_name=warehouse.database,
                admin_username=ADMIN,
                admin_user_password=f"{{{{resolve:secretsmanager:{secret.ref}:SecretString:password}}}}",
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

    def _composed_secret_arn(self, arn: str) -> str:
        """The ARN of a secret that is made, so that policies see which kind of resource it is before it is known."""
        return self.arn("secretsmanager", f"secret:{Fn.select(6, Fn.split(':', arn))}")

    def redshift_arns(self) -> list[str]:
        """What a function that loads signs in to, as a cluster's user, or with the secret."""
        warehouse = self.config.warehouse
        if self._secret:
            return [self._place_arn, self._secret]
        return [self._place_arn, *self._user_arns(warehouse.user)]

    def url(self, lake: DataPipelineStack) -> str:
        """The warehouse as a setting of functions that load, with the place that COPY reads from."""
        warehouse = self.config.warehouse
        signs_in = _by_secret(self._secret) if self._secret else f"db_user={warehouse.user}"
        return f"{self._url(signs_in)}&staging=s3://{lake.config.bucket}/_staging&iam_role={self.copy_role.attr_arn}"

    def _url(self, signs_in: str) -> str:
        warehouse = self.config.warehouse
        if warehouse.mode == "serverless":
            name = self.config.named(warehouse.workgroup)
            return f"redshift+data://{name}/{warehouse.database}?serverless=true&{signs_in}"
        return f"redshift+data://{warehouse.cluster}/{warehouse.database}?{signs_in}"

    @property
    def _place_arn(self) -> str:
        """The cluster or the workgroup."""
        if self.config.warehouse.mode == "serverless":
            return self.arn("redshift-serverless", f"workgroup/{self.workgroup.attr_workgroup_workgroup_id}")
        return self.arn("redshift", f"cluster:{self.config.warehouse.cluster}")

    @property
    def _secret(self) -> str:
        """The secret to sign in with: the configured one, or the administrator's of a workgroup that is made.

        A workgroup's other users are IAM identities, which may use nothing before somebody grants it.
        """
        warehouse = self.config.warehouse
        return warehouse.secret or (self._admin_secret if warehouse.mode == "serverless" else "")

    def _user_arns(self, user: str) -> list[str]:
        """A cluster's database and user, which credentials are got for."""
        warehouse = self.config.warehouse
        return [
            self.arn("redshift", f"dbname:{warehouse.cluster}/{warehouse.database}"),
            self.arn("redshift", f"dbuser:{warehouse.cluster}/{user}"),
        ]

    def _installation(self) -> None:
        """Schemas, tables, views and procedures: installed when the stack is made, migrated with the catalogue."""
        warehouse = self.config.warehouse
        user = warehouse.install_user if warehouse.mode == "cluster" else ""
        if self._secret and not user:
            arns, signs_in = [self._secret], _by_secret(self._secret)
        else:
            user = user or warehouse.user
            arns, signs_in = self._user_arns(user), f"db_user={user}"
        name = self.config.named(FUNCTIONS["install_warehouse"].name)
        granted: dict[Kind, list[str]] = {
            "redshift": [self._place_arn, *arns],
            "installer": [self.arn("lambda", f"function:{name}")],
        }
        variables = {
            "TRUNKLINE_HOME": "/tmp/trunkline",  # noqa: S108 - a function's own; nothing is written there
            "TRUNKLINE_WAREHOUSE": self._url(signs_in),
            "TRUNKLINE_ZONE": warehouse.zone,
        }
        made = self.function("install_warehouse", Resources(granted, {}, {}, self.region), (), variables)
        installation = CustomResource(
            self,
            "Installation",
            service_token=made.function.attr_arn,
            resource_type="Custom::TrunklineWarehouse",
            service_timeout=Duration.seconds(CUSTOM_RESOURCE_S_MAX),
            properties={VERSION_PROPERTY: version_of(self.package_path("full"), warehouse.zone)},
        )
        if warehouse.mode == "serverless":
            installation.node.add_dependency(self.workgroup)

    def _release_user_arns(self) -> list[str]:
        """What releases sign in with: without a secret, a workgroup's user is the function's IAM role."""
        warehouse = self.config.warehouse
        if warehouse.secret:
            return [warehouse.secret]
        return self._user_arns(warehouse.user) if warehouse.mode == "cluster" else []

    def _releases(self) -> Deployed:
        """The function RedshiftS3SP2."""
        warehouse = self.config.warehouse
        arns: dict[Kind, list[str]] = {
            "releases": [self.arn("s3", warehouse.release_bucket, region="", account="")],
            "redshift": [self._place_arn, *self._release_user_arns()],
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


def _by_secret(arn: str) -> str:
    """The option of a warehouse's URL; in one, a plus sign means a space."""
    return f"secret_arn={arn.replace('+', '%2B')}"
