"""Features: one definition for notebooks, batch, Spark and the endpoint."""
