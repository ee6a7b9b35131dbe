"""Timing: when customers buy and answer, and through which channel; shrunk to what all do.

In: a ledger, its scores. Out: one row a customer. Loaded on demand.
"""
