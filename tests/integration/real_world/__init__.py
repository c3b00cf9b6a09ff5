"""Behaviours of real servers, names, certificates and jobs, each with the verdict that it has to get.

A row is plain data (row.py, servers.py, identity.py). subjects/ has the rows, running.py runs them. A behaviour that
somebody reports becomes one more row. `python -m tools.verdicts --record` asks curl what it makes of the rows that are
new, and `make generate` writes docs/verdicts.md.
"""
