"""One prober per kind of check."""
