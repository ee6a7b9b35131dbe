"""Where tables come from: every kind of file, database and frame, as parts that look alike to the rest of intake."""
