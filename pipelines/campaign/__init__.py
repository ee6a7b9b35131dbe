"""A campaign from beginning to end: plan, assign, export, log what happens, measure, learn.

Each file is a flow; what is decided, and how it is measured, is in `regulars.offers`.
"""
