"""Runs the migrations on the engine that `Database` hands over."""

from alembic import context
from alembic.script import ScriptDirectory

from gateway.store import versions
from gateway.store.schema import metadata

engine = context.config.attributes["engine"]
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=metadata)
    with context.begin_transaction():
        context.run_migrations()
        versions.note(connection, ScriptDirectory.from_config(context.config))
    connection.commit()
