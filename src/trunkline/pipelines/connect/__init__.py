"""Contacts from a Connect instance: collected, compared with what is there, verified."""
