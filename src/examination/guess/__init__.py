"""What a table is thought to be before anybody said: its roles by name and content, each with a reason."""
