"""Incidents: list, get, acknowledge, annotate, resolve by hand."""
