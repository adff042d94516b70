"""Salesforce: records of one object that changed, by REST or the Bulk API 2.0."""
