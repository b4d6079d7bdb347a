"""Django's backend for PostgreSQL, with a cheaper look at a pooled connection's health."""
