"""Stores of time series, one module each."""
