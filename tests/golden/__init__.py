"""Golden values of real data: what was right once must stay the same bytes."""
