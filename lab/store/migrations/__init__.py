"""How the tables came to be: Alembic scripts, run whenever a store is opened."""
