"""Alembic's environment: runs the revisions beside it on the connection it is handed, inside its transaction."""

from alembic import context

from bot.store.tables import entries

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=entries.metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
