# What the functions are started by: the streams, contact events through a queue, and the clock.

resource "aws_lambda_event_source_mapping" "stream" {
  for_each = toset(var.stream_arns)

  function_name                      = aws_lambda_function.function["persist_agent_event"].arn
  event_source_arn                   = each.value
  starting_position                  = "LATEST"
  batch_size                         = 500
  maximum_batching_window_in_seconds = 1
  bisect_batch_on_function_error     = true
  function_response_types            = ["ReportBatchItemFailures"]
  maximum_record_age_in_seconds      = 3600
  maximum_retry_attempts             = -1

  dynamic "destination_config" {
    for_each = var.failure_bucket_arn == "" ? [] : [var.failure_bucket_arn]

    content {
      on_failure {
        destination_arn = destination_config.value
      }
    }
  }
}

resource "aws_sqs_queue" "letters" {
  name                      = "${local.name}trunkline-live-letters"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue" "contact_events_dead_letters" {
  name                      = "${local.name}trunkline-live-contact-events-dead-letters"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue" "contact_events" {
  name                       = "${local.name}trunkline-live-contact-events"
  message_retention_seconds  = 1209600
  visibility_timeout_seconds = 360
  sqs_managed_sse_enabled    = true

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.contact_events_dead_letters.arn
    maxReceiveCount     = 5
  })
}

data "aws_iam_policy_document" "contact_events" {
  statement {
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.contact_events.arn]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_cloudwatch_event_rule.contact_events.arn]
    }
  }
}

resource "aws_sqs_queue_policy" "contact_events" {
  queue_url = aws_sqs_queue.contact_events.url
  policy    = data.aws_iam_policy_document.contact_events.json
}

resource "aws_cloudwatch_event_rule" "contact_events" {
  name        = "${local.name}trunkline-live-contact-events"
  description = "Contact events of Amazon Connect, into a queue, so that none is lost while the function fails."

  event_pattern = jsonencode({
    source      = ["aws.connect"]
    detail-type = ["Amazon Connect Contact Event"]
  })
}

resource "aws_cloudwatch_event_target" "contact_events" {
  rule = aws_cloudwatch_event_rule.contact_events.name
  arn  = aws_sqs_queue.contact_events.arn
}

resource "aws_lambda_event_source_mapping" "contact_events" {
  function_name           = aws_lambda_function.function["persist_contact_event"].arn
  event_source_arn        = aws_sqs_queue.contact_events.arn
  batch_size              = 10
  function_response_types = ["ReportBatchItemFailures"]
}

data "aws_iam_policy_document" "assume_scheduler" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["scheduler.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

data "aws_iam_policy_document" "invoke" {
  statement {
    actions   = ["lambda:InvokeFunction"]
    resources = [aws_lambda_function.function["persist_instance_data"].arn]
  }
}

resource "aws_iam_role" "schedule" {
  name                 = "${local.name}trunkline-live-schedule"
  assume_role_policy   = data.aws_iam_policy_document.assume_scheduler.json
  permissions_boundary = var.permissions_boundary == "" ? null : var.permissions_boundary
}

resource "aws_iam_role_policy" "invoke" {
  name   = "invoke"
  role   = aws_iam_role.schedule.id
  policy = data.aws_iam_policy_document.invoke.json
}

resource "aws_scheduler_schedule" "instance_data" {
  count = length(var.connect_instance_arns) > 0 ? 1 : 0

  name                = "${local.name}trunkline-live-instance-data"
  schedule_expression = "rate(1 minute)"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_lambda_function.function["persist_instance_data"].arn
    role_arn = aws_iam_role.schedule.arn

    # The next minute's run reads what this one did not.
    retry_policy {
      maximum_retry_attempts = 0
    }
  }
}
