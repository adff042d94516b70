variable "stream_arns" {
  description = "ARNs of the Kinesis streams with agent events; contact records in them are ignored."
  type        = list(string)

  validation {
    condition     = length(var.stream_arns) > 0 && alltrue([for arn in var.stream_arns : can(regex("^arn:aws[a-z-]*:kinesis:", arn))])
    error_message = "stream_arns must name at least one stream, as arn:aws:kinesis:REGION:ACCOUNT:stream/NAME."
  }
}

variable "stream_kms_key_arn" {
  description = "ARN of the KMS key of the streams, where they have one of yours. Empty: none."
  type        = string
  default     = ""
}

variable "connect_instance_arns" {
  description = "ARNs of the Connect instances whose queues and agents are read every minute. Empty: none is."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.connect_instance_arns : can(regex("^arn:aws[a-z-]*:connect:[a-z0-9-]+:[0-9]{12}:instance/", arn))])
    error_message = "connect_instance_arns must be ARNs such as arn:aws:connect:REGION:ACCOUNT:instance/ID."
  }
}

variable "failure_bucket_arn" {
  description = "ARN of the bucket for records that no attempt could deliver. Empty: they are dropped when they expire."
  type        = string
  default     = ""
}

variable "package" {
  description = "Path of the zip light-<architecture>-py313.zip that `make packages` builds."
  type        = string
}

variable "architecture" {
  description = "The functions' processor, which the zip was built for."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture must be arm64 or x86_64."
  }
}

variable "runtime" {
  description = "The functions' runtime, which the zip was built for."
  type        = string
  default     = "python3.13"
}

variable "prefix" {
  description = "Put before the names of functions, queues and rules, where one account has two installations. Empty: nothing."
  type        = string
  default     = ""
}

variable "database_name" {
  description = "Timestream's database."
  type        = string
  default     = "connect_live"
}

variable "table_name" {
  description = "Timestream's table."
  type        = string
  default     = "live"
}

variable "memory_hours" {
  description = "Retention of the memory store, hours."
  type        = number
  default     = 24

  validation {
    condition     = var.memory_hours >= 1 && var.memory_hours <= 8766
    error_message = "memory_hours must be 1 to 8,766."
  }
}

variable "magnetic_days" {
  description = "Retention of the magnetic store, days."
  type        = number
  default     = 365

  validation {
    condition     = var.magnetic_days >= 1 && var.magnetic_days <= 73000
    error_message = "magnetic_days must be 1 to 73,000."
  }
}

variable "log_retention_days" {
  description = "How long the functions' logs are kept."
  type        = number
  default     = 90
}

variable "permissions_boundary" {
  description = "ARN of a policy that bounds every role. Empty: none."
  type        = string
  default     = ""
}

variable "xray" {
  description = "Trace the functions with X-Ray."
  type        = bool
  default     = false
}
