"""The endpoint: purchase histories in, churn and value out, in milliseconds; and a client for it."""
