"""Alembic's entry: runs the migrations on the connection that `upgrade` opened."""

from alembic import context

from didier.storage.migrations import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    version_table=VERSION_TABLE,
    transactional_ddl=False,  # the transaction is the caller's
)
context.run_migrations()
