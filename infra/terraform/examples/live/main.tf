# Live points in Ireland of a contact centre in London: one stream for history and boards alike.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.80"
    }
  }
}

provider "aws" {
  region = "eu-west-2"
}

provider "aws" {
  alias  = "timestream"
  region = "eu-west-1"
}

module "kinesis" {
  source = "../../kinesis"
}

module "timestream" {
  source = "../../timestream"

  providers = {
    aws            = aws
    aws.timestream = aws.timestream
  }

  stream_arns           = [module.kinesis.stream_arn]
  connect_instance_arns = ["arn:aws:connect:eu-west-2:111122223333:instance/9f3c1e52-6d0a-4b7e-8a41-2c5d7e90b1aa"]
  package               = "${path.module}/../../../../build/lambda/light-arm64-py313.zip"
}
