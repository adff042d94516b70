"""Schedules, time zones and windows. Pure."""
