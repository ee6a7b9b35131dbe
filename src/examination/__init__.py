"""The full examination of a ledger: what is in it, what was mended, what is suspicious, and is it enough?"""
