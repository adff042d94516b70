output "database_name" {
  description = "Timestream's database, for Grafana's data source."
  value       = aws_timestreamwrite_database.live.database_name
}

output "table_arn" {
  description = "ARN of Timestream's table."
  value       = aws_timestreamwrite_table.live.arn
}

output "live_store" {
  description = "The value of TRUNKLINE_LIVE_STORE that writes and reads this table."
  value       = local.variables.TRUNKLINE_LIVE_STORE
}

output "letter_queue_url" {
  description = "URL of the queue with records that no point could be made of."
  value       = aws_sqs_queue.letters.url
}

output "function_arns" {
  description = "ARNs of the functions by name."
  value       = { for name, function in aws_lambda_function.function : name => function.arn }
}

output "role_arns" {
  description = "ARNs of the functions' roles by name, for the stream's resource policy."
  value       = { for name, role in aws_iam_role.function : name => role.arn }
}
