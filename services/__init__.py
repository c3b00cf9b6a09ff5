"""Sentinel Stack's services. Imports go one way: platform, checks, wire and shared_sql, then the processes."""
