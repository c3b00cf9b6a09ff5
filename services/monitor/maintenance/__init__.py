"""Maintenance windows and when they recur."""
