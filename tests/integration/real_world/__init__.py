"""Behaviours of real servers, names, certificates and jobs, each with the expected verdict.

A row is plain data (row.py, servers.py, identity.py). subjects/ contains the rows, running.py runs them. A reported
false verdict becomes a new row. `python -m tools.verdicts --record` records the result of curl for all rows, and `make
generate` writes docs/verdicts.md.
"""
