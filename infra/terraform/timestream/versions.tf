terraform {
  required_version = ">= 1.6"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.80"

      # Timestream has no resources in eu-west-2, so its Region is a provider of its own.
      configuration_aliases = [aws.timestream]
    }
  }
}
