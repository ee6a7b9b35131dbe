"""Side-by-side comparisons, run by `make bench`: the same numbers, computed in different ways, and what each costs."""
