"""The only package that speaks to PostgreSQL (psycopg, procrastinate) and to the object store (obstore)."""
