"""SQL that several services share: tables, and pieces of queries. It knows the checks, not the services."""
