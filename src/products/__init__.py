"""Which products to suggest to whom: buy again, new for you, in demand, goes with; judged on the user's own past."""
