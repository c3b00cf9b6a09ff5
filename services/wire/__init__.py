"""Connections to targets: names, egress, dialling, TLS, HTTP, gRPC and DNS. Each step is bounded and timed."""
