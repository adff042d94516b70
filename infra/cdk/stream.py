"""Streams: contact records and agent events in Kinesis, contact events in EventBridge, raw records by Firehose."""

from __future__ import annotations

from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_kinesisfirehose as firehose
from constructs import Construct
from data_pipeline import DataPipelineStack
from parts import Deployed, TrunklineStack, keep

from trunkline.deploy.config import DeployConfig
from trunkline.deploy.functions import FUNCTIONS, Event
from trunkline.deploy.policies import Resources

CONTACT_EVENTS = {"source": ["aws.connect"], "detail-type": ["Amazon Connect Contact Event"]}


class StreamStack(TrunklineStack):
    """contact records, agent events and contact events into the lake as they arrive."""

    def __init__(self, scope: Construct, config: DeployConfig, lake: DataPipelineStack) -> None:
        super().__init__(scope, "StreamStack", config, topic_arn=lake.topic_arn)
        self.stream_arn, self.key_arn = self._stream()
        made = self._processor(lake)
        self.read_stream("ContactStream", made, self.stream_arn, lake.failures_arn, "kinesis")
        if config.streams.agent_stream_arn:
            self.read_stream("AgentStream", made, config.streams.agent_stream_arn, lake.failures_arn, "kinesis")
        if config.streams.firehose:
            self._firehose(lake)

    def stream_arns(self) -> list[str]:
        """Every stream that is read, agent events last."""
        return [arn for arn in (self.stream_arn, self.config.streams.agent_stream_arn) if arn]

    def _stream(self) -> tuple[str, str]:
        """The ARN of the contact records' stream, and of its key where it has one of its own."""
        streams = self.config.streams
        if streams.contact_stream_arn:
            return streams.contact_stream_arn, streams.key_arn
        key_arn = self.key("StreamKey", "Trunkline's stream of contact records", ["connect"]).attr_arn
        made = keep(
            kinesis.CfnStream(
                self,
                "ContactStream",
                name=self.config.named(streams.contact_stream),
                retention_period_hours=streams.retention_hours,
                stream_mode_details=kinesis.CfnStream.StreamModeDetailsProperty(stream_mode="ON_DEMAND"),
                stream_encryption=kinesis.CfnStream.StreamEncryptionProperty(encryption_type="KMS", key_id=key_arn),
            )
        )
        return made.attr_arn, key_arn

    def _processor(self, lake: DataPipelineStack) -> Deployed:
        arns, keys = lake.lake_resources()
        arns["stream"] = [self.stream_arn]
        if self.key_arn:
            keys["stream"] = keys["agent_stream"] = self.key_arn
        if self.config.streams.agent_stream_arn:
            arns["agent_stream"] = [self.config.streams.agent_stream_arn]
        queue = None
        if self.config.streams.contact_events:
            queue = self.rule_to_queue("ContactEvents", CONTACT_EVENTS, FUNCTIONS["event_processor"].timeout_s)
            arns["event_queue"] = [queue.attr_arn]
        events: tuple[Event, ...] = ("kinesis", "sqs")
        resources = Resources(arns, keys, {}, self.region)
        made = self.function("event_processor", resources, events, lake.lake_variables())
        if queue is not None:
            self.read_queue("ContactEvents", made, queue)
        return made

    def _firehose(self, lake: DataPipelineStack) -> None:
        """Raw records, one a line, under raw/ in the lake's bucket."""
        framing = self.function("firehose_framing", Resources({}), ("firehose",), {})
        role_arn = self._firehose_role(lake, framing)
        destination = firehose.CfnDeliveryStream.ExtendedS3DestinationConfigurationProperty(
            bucket_arn=lake.bucket_arn,
            role_arn=role_arn,
            prefix="raw/",
            error_output_prefix="raw-failed/!{firehose:error-output-type}/",
            compression_format="GZIP",
            buffering_hints=firehose.CfnDeliveryStream.BufferingHintsProperty(interval_in_seconds=300, size_in_m_bs=64),
            processing_configuration=_framed(framing.function.attr_arn),
        )
        firehose.CfnDeliveryStream(
            self,
            "RawFirehose",
            delivery_stream_name=self.config.named("trunkline-raw"),
            delivery_stream_type="KinesisStreamAsSource",
            kinesis_stream_source_configuration=firehose.CfnDeliveryStream.KinesisStreamSourceConfigurationProperty(
                kinesis_stream_arn=self.stream_arn, role_arn=role_arn
            ),
            extended_s3_destination_configuration=destination,
        )

    def _firehose_role(self, lake: DataPipelineStack, framing: Deployed) -> str:
        """The ARN of the role that reads the stream, has records framed, and writes files."""
        allowed: dict[str, tuple[list[str], str | list[str]]] = {
            "reads": (
                ["kinesis:DescribeStream", "kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:ListShards"],
                self.stream_arn,
            ),
            "writes": (
                ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
                [f"{lake.bucket_arn}/raw/*", f"{lake.bucket_arn}/raw-failed/*"],
            ),
            "lists": (
                ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
                lake.bucket_arn,
            ),
            "calls": (["lambda:GetFunctionConfiguration", "lambda:InvokeFunction"], framing.function.attr_arn),
        }
        if keys := [key for key in (self.key_arn, lake.key_arn) if key]:
            allowed["uses"] = (["kms:Decrypt", "kms:GenerateDataKey"], keys)
        statements = [
            {"Effect": "Allow", "Action": actions, "Resource": target} for actions, target in allowed.values()
        ]
        return self.role("Firehose", "firehose", {"deliver": statements}).attr_arn


def _framed(function_arn: str) -> firehose.CfnDeliveryStream.ProcessingConfigurationProperty:
    """Each record through a function, in batches of 3 MB, which are answered by less than Lambda's 6 MB."""
    parameters = [
        firehose.CfnDeliveryStream.ProcessorParameterProperty(parameter_name=name, parameter_value=value)
        for name, value in (("LambdaArn", function_arn), ("BufferSizeInMBs", "3"))
    ]
    processor = firehose.CfnDeliveryStream.ProcessorProperty(type="Lambda", parameters=parameters)
    return firehose.CfnDeliveryStream.ProcessingConfigurationProperty(enabled=True, processors=[processor])
