"""SQL that several services share: tables and parts of queries. It knows the checks, not the services."""
