"""`make bench-accuracy`: the churn model against the classics and other libraries, on later time; see `__main__`."""
