"""Alembic's way to the database: the connection that services.platform.postgres.migrate opened.

Each migration is a transaction, so that one that locks a table does not hold it while the next one converts its rows.
"""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"], target_metadata=None, transaction_per_migration=True
)
with context.begin_transaction():
    context.run_migrations()
