"""Loyalty: points earned, burned and expired, stamps, milestones, tiers of members.

In: a ledger with events of points, and the programme's rules. Out: one row a member. Loaded on demand.
"""
