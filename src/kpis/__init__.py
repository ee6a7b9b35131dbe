"""Key figures of a business with regular customers: by period, by cohort of first purchase, by segment, as a funnel.

In: the purchases of a ledger, added up per customer and local day, and what stands beside them. Out: tables whose every
column carries its definition in words. A figure whose window is not complete is missing, never a smaller number.
"""
