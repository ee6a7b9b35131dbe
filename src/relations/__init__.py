"""Relations: what customers cost and bring, who brought them, what it would be worth to keep more of them.

In: a ledger, its scores, what money is worth. Out: tables of key figures. Loaded on demand.
"""
