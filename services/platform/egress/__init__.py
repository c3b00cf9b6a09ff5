"""Which addresses may be connected to (SSRF protection)."""
