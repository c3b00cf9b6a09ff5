"""The probes, one per kind of check."""
