"""Where tables come from: every kind of file, database and frame, as parts that all look alike to the rest of intake."""
