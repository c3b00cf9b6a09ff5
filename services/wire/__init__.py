"""Connections to targets: name resolution, egress, dialling, TLS, HTTP, gRPC, DNS. Each step is bounded and timed."""
