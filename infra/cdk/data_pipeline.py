"""The lake: bucket, catalogue, and the functions that follow DynamoDB and transcripts (document 002)."""

from __future__ import annotations

from aws_cdk import aws_athena as athena
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct
from lake_catalogue import LakeCatalogue
from parts import TrunklineStack, keep, only_tls

from trunkline.deploy.config import DeployConfig
from trunkline.deploy.functions import FUNCTIONS, Event, Kind
from trunkline.deploy.policies import Resources

GB = 1_000_000_000


class DataPipelineStack(TrunklineStack):
    """the lake, its catalogue, and what follows DynamoDB tables and transcripts."""

    def __init__(self, scope: Construct, config: DeployConfig) -> None:
        super().__init__(scope, "DataPipelineStack", config)
        self.bucket_arn = self.arn("s3", config.bucket, region="", account="")
        self.topic_arn = self._topic() if config.watch.email else ""
        logs = self._plain_bucket("AccessLogs", "access-logs", 90, None)
        self.key_arn = self._lake(logs)
        self._plain_bucket("Failures", "failures", 30, logs)
        self.failures_arn = self.arn("s3", self._bucket_name("failures"), region="", account="")
        if config.tables.calls_stream or config.tables.scorecards_stream:
            self._stream_processor()
        if config.transcripts.bucket_arn:
            self._transcripts()
        if config.lake.register_tables:
            LakeCatalogue(self, self.bucket_arn, self.key_arn)
        self._workgroup()

    def lake_resources(self) -> tuple[dict[Kind, list[str]], dict[Kind, str]]:
        """ARNs and keys that every function of the lake has."""
        arns: dict[Kind, list[str]] = {"lake": [self.bucket_arn], "failures": [self.failures_arn]}
        keys: dict[Kind, str] = {"lake": self.key_arn} if self.key_arn else {}
        if self.config.lake.pii_key_secret:
            arns["pii_key"] = [self.config.lake.pii_key_secret]
        return arns, keys

    def lake_variables(self) -> dict[str, str]:
        """The documents' variables, and the place of the key of personal data."""
        secret = self.config.lake.pii_key_secret
        key = {"TRUNKLINE_PII_KEY": f"secretsmanager:{secret}"} if secret else {}
        return {"ANALYTICS_BUCKET": self.config.bucket} | key

    def _topic(self) -> str:
        """Where alarms go, under a key that CloudWatch may use (the key of SNS itself admits no alarm)."""
        key = self.key("AlarmsKey", "Trunkline's alarms", ["cloudwatch"])
        mail = sns.CfnTopic.SubscriptionProperty(protocol="email", endpoint=self.config.watch.email)
        topic = sns.CfnTopic(self, "Alarms", kms_master_key_id=key.ref, subscription=[mail])
        sends = {
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": topic.ref,
            "Condition": {"StringEquals": {"aws:SourceAccount": self.account}},
        }
        refused = only_tls(topic.ref, "sns") | {"Action": "sns:Publish"}
        document = {"Version": "2012-10-17", "Statement": [refused, sends]}
        sns.CfnTopicPolicy(self, "AlarmsPolicy", topics=[topic.ref], policy_document=document)
        self.topic_key_arn = key.attr_arn
        return topic.ref

    def _lake(self, logs: s3.CfnBucket) -> str:
        """The ARN of the key of the lake's bucket; empty where S3's own is used."""
        lake = self.config.lake
        if lake.bucket_arn:
            return lake.key_arn
        key_arn = lake.key_arn or self.key("LakeKey", "Trunkline's lake", []).attr_arn
        bucket = keep(
            s3.CfnBucket(
                self,
                "LakeBucket",
                bucket_name=self.config.bucket,
                versioning_configuration=s3.CfnBucket.VersioningConfigurationProperty(status="Enabled"),
                public_access_block_configuration=s3.CfnBucket.PublicAccessBlockConfigurationProperty(
                    block_public_acls=True, block_public_policy=True, ignore_public_acls=True,
                    restrict_public_buckets=True,
                ),
                bucket_encryption=_encryption(key_arn),
                logging_configuration=s3.CfnBucket.LoggingConfigurationProperty(
                    destination_bucket_name=logs.ref, log_file_prefix="lake/"
                ),
                lifecycle_configuration=s3.CfnBucket.LifecycleConfigurationProperty(
                    rules=[
                        s3.CfnBucket.RuleProperty(
                            id="query-results", status="Enabled", prefix="_athena/", expiration_in_days=30
                        ),
                        s3.CfnBucket.RuleProperty(
                            id="old-versions", status="Enabled",
                            noncurrent_version_expiration=s3.CfnBucket.NoncurrentVersionExpirationProperty(
                                noncurrent_days=lake.old_versions_days
                            ),
                            abort_incomplete_multipart_upload=s3.CfnBucket.AbortIncompleteMultipartUploadProperty(
                                days_after_initiation=7
                            ),
                        )
                    ]
                ),
            )
        )  # fmt: skip
        self._tls(bucket, "Lake")
        return key_arn

    def _plain_bucket(self, name: str, suffix: str, days: int, logs: s3.CfnBucket | None) -> s3.CfnBucket:
        """A bucket for what expires: S3's own encryption, TLS only."""
        made = s3.CfnBucket(
            self,
            f"{name}Bucket",
            bucket_name=self._bucket_name(suffix),
            public_access_block_configuration=s3.CfnBucket.PublicAccessBlockConfigurationProperty(
                block_public_acls=True, block_public_policy=True, ignore_public_acls=True, restrict_public_buckets=True
            ),
            bucket_encryption=_encryption(""),
            logging_configuration=s3.CfnBucket.LoggingConfigurationProperty(
                destination_bucket_name=logs.ref, log_file_prefix=f"{suffix}/"
            )
            if logs is not None
            else None,
            lifecycle_configuration=s3.CfnBucket.LifecycleConfigurationProperty(
                rules=[s3.CfnBucket.RuleProperty(id="expire", status="Enabled", expiration_in_days=days)]
            ),
        )
        self._tls(keep(made), name, is_log_target=logs is None)
        return made

    def _bucket_name(self, suffix: str) -> str:
        place = self.config.installation
        return self.config.named(f"trunkline-{suffix}-{place.account}-{place.region}").lower()

    def _tls(self, bucket: s3.CfnBucket, name: str, is_log_target: bool = False) -> None:
        deny = {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [bucket.attr_arn, f"{bucket.attr_arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        delivers = {
            "Effect": "Allow",
            "Principal": {"Service": "logging.s3.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": f"{bucket.attr_arn}/*",
            "Condition": {"StringEquals": {"aws:SourceAccount": self.account}},
        }
        statement = [deny, *([delivers] if is_log_target else [])]
        s3.CfnBucketPolicy(
            self,
            f"{name}BucketPolicy",
            bucket=bucket.ref,
            policy_document={"Version": "2012-10-17", "Statement": statement},
        )

    def _stream_processor(self) -> None:
        tables, (arns, keys) = self.config.tables, self.lake_resources()
        streams = [arn for arn in (tables.calls_stream, tables.scorecards_stream) if arn]
        arns["tables"] = streams
        variables = self.lake_variables()
        if tables.key_arn:
            keys["tables"] = tables.key_arn
        self._add_transcripts(arns, keys, variables)
        table = {"calls_stream": "call", "scorecards_stream": "scorecard"}
        names = [f"{getattr(tables, key).split('/')[1]}={obj}" for key, obj in table.items() if getattr(tables, key)]
        variables["TRUNKLINE_DYNAMODB_TABLES"] = ",".join(names)
        made = self.function("stream_processor", self._resources(arns, keys), ("dynamodb",), variables)
        for key in table:
            if getattr(tables, key):
                name = key.partition("_")[0].capitalize()
                self.read_stream(f"{name}Stream", made, getattr(tables, key), self.failures_arn, "dynamodb")

    def _transcripts(self) -> None:
        arns, keys = self.lake_resources()
        variables, place = self.lake_variables(), self.config.transcripts
        self._add_transcripts(arns, keys, variables)
        pattern = {
            "source": ["aws.s3"],
            "detail-type": ["Object Created"],
            "detail": {
                "bucket": {"name": [place.bucket_arn.rpartition(":")[2]]},
                "object": {"key": [{"prefix": prefix} for prefix in place.prefixes]},
            },
        }
        queue = self.rule_to_queue("Transcripts", pattern, FUNCTIONS["transcript_arrived"].timeout_s)
        arns["transcript_queue"] = [queue.attr_arn]
        events: tuple[Event, ...] = ("sqs",)
        made = self.function("transcript_arrived", self._resources(arns, keys), events, variables)
        self.read_queue("Transcript", made, queue)

    def _add_transcripts(self, arns: dict[Kind, list[str]], keys: dict[Kind, str], variables: dict[str, str]) -> None:
        place = self.config.transcripts
        if place.bucket_arn:
            arns["transcripts"] = [place.bucket_arn]
            variables["TRANSCRIBE_BUCKET"] = place.bucket_arn.rpartition(":")[2]
        if place.key_arn:
            keys["transcripts"] = place.key_arn

    def _resources(self, arns: dict[Kind, list[str]], keys: dict[Kind, str]) -> Resources:
        return Resources(arns, keys, {"transcripts": self.config.transcripts.prefixes}, self.region)

    def _workgroup(self) -> None:
        athena.CfnWorkGroup(
            self,
            "Workgroup",
            name=self.config.named("trunkline"),
            description="Queries of the lake, each limited in what it reads.",
            work_group_configuration=athena.CfnWorkGroup.WorkGroupConfigurationProperty(
                bytes_scanned_cutoff_per_query=self.config.lake.scan_limit_gb * GB,
                enforce_work_group_configuration=True,
                publish_cloud_watch_metrics_enabled=True,
                result_configuration=athena.CfnWorkGroup.ResultConfigurationProperty(
                    output_location=f"s3://{self.config.bucket}/_athena/",
                    encryption_configuration=athena.CfnWorkGroup.EncryptionConfigurationProperty(
                        encryption_option="SSE_KMS" if self.key_arn else "SSE_S3", kms_key=self.key_arn or None
                    ),
                ),
            ),
        )


def _encryption(key_arn: str) -> s3.CfnBucket.BucketEncryptionProperty:
    by_default = s3.CfnBucket.ServerSideEncryptionByDefaultProperty(
        sse_algorithm="aws:kms" if key_arn else "AES256", kms_master_key_id=key_arn or None
    )
    rule = s3.CfnBucket.ServerSideEncryptionRuleProperty(
        bucket_key_enabled=bool(key_arn) or None, server_side_encryption_by_default=by_default
    )
    return s3.CfnBucket.BucketEncryptionProperty(server_side_encryption_configuration=[rule])
