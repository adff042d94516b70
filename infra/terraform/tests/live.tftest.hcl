# Runs of the module `timestream` on mocked providers: `terraform test` in a copy that has this file in tests/.

mock_provider "aws" {
  mock_resource "aws_iam_role" {
    defaults = {
      arn = "arn:aws:iam::111122223333:role/mocked"
    }
  }
  mock_resource "aws_sqs_queue" {
    defaults = {
      arn = "arn:aws:sqs:eu-west-2:111122223333:mocked"
      url = "https://sqs.eu-west-2.amazonaws.com/111122223333/mocked"
    }
  }
  mock_resource "aws_lambda_function" {
    defaults = {
      arn = "arn:aws:lambda:eu-west-2:111122223333:function:mocked"
    }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = {
      arn = "arn:aws:logs:eu-west-2:111122223333:log-group:mocked"
    }
  }
  mock_resource "aws_cloudwatch_event_rule" {
    defaults = {
      arn = "arn:aws:events:eu-west-2:111122223333:rule/mocked"
    }
  }
  mock_data "aws_iam_policy_document" {
    defaults = {
      json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}"
    }
  }
  mock_data "aws_caller_identity" {
    defaults = {
      account_id = "111122223333"
    }
  }
  mock_data "aws_partition" {
    defaults = {
      partition = "aws"
    }
  }
  mock_data "aws_region" {
    defaults = {
      name = "eu-west-2"
    }
  }
}

mock_provider "aws" {
  alias = "timestream"

  mock_resource "aws_kms_key" {
    defaults = {
      arn = "arn:aws:kms:eu-west-1:111122223333:key/mocked"
    }
  }
  mock_resource "aws_timestreamwrite_table" {
    defaults = {
      arn = "arn:aws:timestream:eu-west-1:111122223333:database/connect_live/table/live"
    }
  }
  mock_data "aws_region" {
    defaults = {
      name = "eu-west-1"
    }
  }
}

variables {
  stream_arns           = ["arn:aws:kinesis:eu-west-2:111122223333:stream/connect-ctr-stream"]
  connect_instance_arns = ["arn:aws:connect:eu-west-2:111122223333:instance/9f3c1e52-6d0a-4b7e-8a41-2c5d7e90b1aa"]
}

run "defaults" {
  command = plan

  assert {
    condition     = length(aws_lambda_function.function) == 3
    error_message = "three functions"
  }
  assert {
    condition     = output.live_store == "timestream://connect_live/live?region=eu-west-1"
    error_message = "the store's URL names Timestream's own Region"
  }
  assert {
    condition     = aws_lambda_function.function["persist_instance_data"].reserved_concurrent_executions == 1
    error_message = "one run of the schedule at a time"
  }
  assert {
    condition     = length(aws_scheduler_schedule.instance_data) == 1
    error_message = "instances are read on a schedule"
  }
}

run "refuses_what_is_no_stream" {
  command = plan

  variables {
    stream_arns = ["connect-ctr-stream"]
  }

  expect_failures = [var.stream_arns]
}
