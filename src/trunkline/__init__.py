"""Trunkline: a contact-centre data platform for Amazon Connect."""

__version__ = "0.1.0"
