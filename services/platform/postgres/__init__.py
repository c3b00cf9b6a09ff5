"""PostgreSQL: connections under a role, transactions per tenant, notifications, migrations."""
