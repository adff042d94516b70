"""Procedure releases: a file of procedure calls, run in order, once each, with a result that reports every failure."""
