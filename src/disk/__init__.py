"""Files of our own: one writer at a time, whole or not at all, for their owner alone."""
