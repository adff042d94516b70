# The store: a database and a table of Timestream for LiveAnalytics, under a key of their own.
# Amazon admits no new customers since 2025-06-20; other accounts use InfluxDB (the CDK stack LiveStack).

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "timestream" {
  provider = aws.timestream
}

locals {
  name = var.prefix == "" ? "" : "${var.prefix}-"
}

data "aws_iam_policy_document" "key" {
  statement {
    sid       = "Account"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:root"]
    }
  }

  statement {
    sid       = "Timestream"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["timestream.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

resource "aws_kms_key" "live" {
  provider = aws.timestream

  description         = "Trunkline's live points"
  enable_key_rotation = true
  policy              = data.aws_iam_policy_document.key.json

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_timestreamwrite_database" "live" {
  provider = aws.timestream

  database_name = var.database_name
  kms_key_id    = aws_kms_key.live.arn

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_timestreamwrite_table" "live" {
  provider = aws.timestream

  database_name = aws_timestreamwrite_database.live.database_name
  table_name    = var.table_name

  retention_properties {
    memory_store_retention_period_in_hours  = var.memory_hours
    magnetic_store_retention_period_in_days = var.magnetic_days
  }

  magnetic_store_write_properties {
    enable_magnetic_store_writes = true
  }

  lifecycle {
    prevent_destroy = true
  }
}
