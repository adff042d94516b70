"""Grafana: dashboards of history and now, their queries for each pair of stores, data sources and alert rules."""
