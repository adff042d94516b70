# Generated from src/trunkline/deploy/functions.py by `python -m tools.generate`: what each function calls.

data "aws_region" "current" {}

locals {
  permissions = {
    persist_agent_event = [
      {
        actions   = ["timestream:WriteRecords"]
        resources = [aws_timestreamwrite_table.live.arn]
        via       = ""
      },
      {
        actions   = ["timestream:DescribeEndpoints"]
        resources = ["*"]
        via       = ""
      },
      {
        actions   = ["sqs:SendMessage"]
        resources = [aws_sqs_queue.letters.arn]
        via       = ""
      },
      {
        actions   = ["kinesis:DescribeStream", "kinesis:DescribeStreamSummary", "kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:ListShards"]
        resources = var.stream_arns
        via       = ""
      },
      {
        actions   = ["kms:Decrypt"]
        resources = compact([var.stream_kms_key_arn])
        via       = "kinesis.${data.aws_region.current.name}.amazonaws.com"
      },
      {
        actions   = ["s3:PutObject"]
        resources = [for arn in compact([var.failure_bucket_arn]) : "${arn}/aws/lambda/*"]
        via       = ""
      },
      {
        actions   = ["s3:ListBucket"]
        resources = compact([var.failure_bucket_arn])
        via       = ""
      },
    ]
    persist_contact_event = [
      {
        actions   = ["timestream:WriteRecords"]
        resources = [aws_timestreamwrite_table.live.arn]
        via       = ""
      },
      {
        actions   = ["timestream:DescribeEndpoints"]
        resources = ["*"]
        via       = ""
      },
      {
        actions   = ["sqs:SendMessage"]
        resources = [aws_sqs_queue.letters.arn]
        via       = ""
      },
      {
        actions   = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
        resources = [aws_sqs_queue.contact_events.arn]
        via       = ""
      },
    ]
    persist_instance_data = [
      {
        actions   = ["timestream:WriteRecords"]
        resources = [aws_timestreamwrite_table.live.arn]
        via       = ""
      },
      {
        actions   = ["timestream:DescribeEndpoints"]
        resources = ["*"]
        via       = ""
      },
      {
        actions   = ["connect:ListQueues"]
        resources = [for arn in var.connect_instance_arns : "${arn}/queue/*"]
        via       = ""
      },
      {
        actions   = ["connect:ListRoutingProfiles", "connect:ListUsers"]
        resources = var.connect_instance_arns
        via       = ""
      },
      {
        actions   = ["connect:GetCurrentMetricData", "connect:GetCurrentUserData"]
        resources = [for arn in var.connect_instance_arns : "${arn}/*"]
        via       = ""
      },
    ]
  }
}
