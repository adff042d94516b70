# The three functions, each with a role of exactly what its code calls (permissions.tf).

locals {
  functions = {
    persist_agent_event   = "a point of a time series for each agent event"
    persist_contact_event = "a point of a time series for each contact event"
    persist_instance_data = "queues, agents and routing profiles as the Connect API has them now"
  }

  variables = {
    TRUNKLINE_LIVE_STORE   = "timestream://${var.database_name}/${var.table_name}?region=${data.aws_region.timestream.name}"
    TRUNKLINE_LETTER_QUEUE = aws_sqs_queue.letters.url
  }
}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "calls" {
  for_each = local.functions

  dynamic "statement" {
    for_each = [for each in local.permissions[each.key] : each if length(each.resources) > 0]

    content {
      actions   = statement.value.actions
      resources = statement.value.resources

      dynamic "condition" {
        for_each = statement.value.via == "" ? [] : [statement.value.via]

        content {
          test     = "StringEquals"
          variable = "kms:ViaService"
          values   = [condition.value]
        }
      }
    }
  }

  statement {
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.function[each.key].arn}:*"]
  }

  dynamic "statement" {
    for_each = var.xray ? [1] : []

    content {
      actions   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
      resources = ["*"]
    }
  }
}

resource "aws_cloudwatch_log_group" "function" {
  for_each = local.functions

  name              = "/aws/lambda/${local.name}${each.key}"
  retention_in_days = var.log_retention_days
}

resource "aws_iam_role" "function" {
  for_each = local.functions

  name                 = "${local.name}${each.key}"
  assume_role_policy   = data.aws_iam_policy_document.assume.json
  permissions_boundary = var.permissions_boundary == "" ? null : var.permissions_boundary
}

resource "aws_iam_role_policy" "calls" {
  for_each = local.functions

  name   = "calls"
  role   = aws_iam_role.function[each.key].id
  policy = data.aws_iam_policy_document.calls[each.key].json
}

resource "aws_lambda_function" "function" {
  for_each = local.functions

  function_name    = "${local.name}${each.key}"
  description      = each.value
  role             = aws_iam_role.function[each.key].arn
  handler          = "trunkline.handlers.${each.key}.handler"
  runtime          = var.runtime
  architectures    = [var.architecture]
  filename         = var.package
  source_code_hash = filebase64sha256(var.package)
  timeout          = 60
  memory_size      = 256

  # One run of the schedule at a time: two would share one quota of the Connect API.
  reserved_concurrent_executions = each.key == "persist_instance_data" ? 1 : -1

  environment {
    variables = each.key == "persist_instance_data" ? merge(local.variables, {
      TRUNKLINE_CONNECT_INSTANCES = join(",", var.connect_instance_arns)
    }) : local.variables
  }

  tracing_config {
    mode = var.xray ? "Active" : "PassThrough"
  }

  depends_on = [aws_cloudwatch_log_group.function, aws_iam_role_policy.calls]
}
