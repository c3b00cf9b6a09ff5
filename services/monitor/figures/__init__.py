"""Uptime, latency and incident statistics of a span of time."""
