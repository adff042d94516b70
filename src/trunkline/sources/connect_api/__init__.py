"""Contacts through the Amazon Connect API."""
