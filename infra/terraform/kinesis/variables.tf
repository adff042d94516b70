variable "name" {
  description = "The stream of contact records."
  type        = string
  default     = "connect-ctr-stream"
}

variable "retention_hours" {
  description = "How long the stream keeps records, hours."
  type        = number
  default     = 168

  validation {
    condition     = var.retention_hours >= 24 && var.retention_hours <= 8760
    error_message = "retention_hours must be 24 to 8,760."
  }
}

variable "kms_key_arn" {
  description = "ARN of the stream's KMS key. Empty: the key of Kinesis itself."
  type        = string
  default     = ""
}

variable "reader_arns" {
  description = "ARNs of roles of other services and accounts that may read the stream, such as role_arns of the module timestream."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.reader_arns : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/", arn))])
    error_message = "reader_arns must be ARNs of roles, arn:aws:iam::ACCOUNT:role/NAME."
  }
}
