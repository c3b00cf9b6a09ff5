"""Incidents: reading them, acknowledging, notes, resolving by hand."""
