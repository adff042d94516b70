"""What an installation on AWS consists of, as data: functions and permissions, configuration, cost, checks."""
