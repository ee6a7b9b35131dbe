"""Segments: named groups of customers by stated rules, each customer in exactly one of a scheme.

In: `Facts` of customers as of a day, from the ledger and the published scores. Out: an `Assigned` scheme, tables of its
segments, who moved between two days, and a reason for each row of a list. What is missing switches a scheme off, or a
rule of it, with a sentence.
"""
