output "stream_arn" {
  description = "ARN of the stream."
  value       = aws_kinesis_stream.contacts.arn
}
