"""How long tests wait for what has to happen."""

PATIENCE_S = 60.0
"""Reached only by what never happens: it leaves room on a slow and busy machine."""
