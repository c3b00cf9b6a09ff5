"""Heartbeats: receiving the signals of jobs, and checking for silence."""
