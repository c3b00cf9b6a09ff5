"""The egress policy: which addresses may be connected to (SSRF protection)."""
