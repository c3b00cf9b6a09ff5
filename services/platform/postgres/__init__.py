"""PostgreSQL: connections under a role, a transaction per tenant, notifications, migrations."""
