"""SQL that several services share: tables and parts of queries. It imports the checks, not the services."""
