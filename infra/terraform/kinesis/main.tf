# The documents' stream of contact records, and who else may read it.

resource "aws_kinesis_stream" "contacts" {
  name             = var.name
  retention_period = var.retention_hours
  encryption_type  = "KMS"
  kms_key_id       = var.kms_key_arn == "" ? "alias/aws/kinesis" : var.kms_key_arn

  stream_mode_details {
    stream_mode = "ON_DEMAND"
  }

  lifecycle {
    prevent_destroy = true
  }
}

data "aws_iam_policy_document" "readers" {
  statement {
    actions = [
      "kinesis:DescribeStream",
      "kinesis:DescribeStreamSummary",
      "kinesis:GetRecords",
      "kinesis:GetShardIterator",
      "kinesis:ListShards",
    ]
    resources = [aws_kinesis_stream.contacts.arn]

    principals {
      type        = "AWS"
      identifiers = var.reader_arns
    }
  }
}

resource "aws_kinesis_resource_policy" "readers" {
  count = length(var.reader_arns) > 0 ? 1 : 0

  resource_arn = aws_kinesis_stream.contacts.arn
  policy       = data.aws_iam_policy_document.readers.json
}
