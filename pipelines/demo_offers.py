"""What the demo offers whom: a catalogue with assumed effects, consent, and a plan whose decisions are kept.

In: the demo's folder with its purchases. Out: `offers.toml`, a table of consent, sections of the configuration; then a
plan, its page and its decisions. The data hold no consent: a household that the retailer has written to in one of its
campaigns is taken to have said yes to mail, all others have not.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from ..config import Config
from ..intake import Ledger
from ..progress import Progress
from .files import replaced

OFFERED = "completejourney"
"""The data set of the demo for whose customers there is a catalogue."""
CONSENT_WORDS = (
    "The data hold no consent: households that the retailer wrote to in its campaigns are taken to have said yes to "
    "mail, all others no."
)
SECTIONS = """
# Taken, not known: a household that was written to in a campaign of the retailer has said yes to mail.
[data.consent]
path = "data/completejourney/consent.parquet"
customer_id = "household_id"
recorded_at = "first_written_to"
all_of_channel = "mail"
all_of_purpose = "marketing"
status = "status"

# A grocer's, before what stays fixed; a guess.
[economics]
margin = 0.25

[contact]
caps = [{ contacts = 2, days = 30 }]
quiet_from = "20:00"
quiet_until = "08:00"
quiet_weekdays = ["sunday"]
"""
CONSENT = """
    SELECT household_id, min(start_date) AS first_written_to, 'granted' AS status FROM read_parquet(?)
    GROUP BY household_id ORDER BY household_id
"""


def with_offers(file: Path) -> None:
    """Put a catalogue beside the demo's configuration, and consent and contact rules into it.

    Parameters
    ----------
    file : Path
        The configuration that `demo_data.purchases_of` has written.
    """
    import duckdb

    data = file.parent / "data" / OFFERED

    def consent(waiting: Path) -> None:
        with duckdb.connect() as connection:
            connection.sql(CONSENT, params=[str(data / "offers.parquet")]).write_parquet(str(waiting))

    replaced(data / "consent.parquet", consent)
    catalogue = resources.files(__name__.rpartition(".")[0]).joinpath("demo_offers.toml").read_text(encoding="utf-8")
    (file.parent / "offers.toml").write_text(catalogue, encoding="utf-8")
    file.write_text(file.read_text(encoding="utf-8") + SECTIONS, encoding="utf-8")


def offered(ledger: Ledger, config: Config, progress: Progress | None = None) -> list[str]:
    """Plan and decide; what came of it in a few sentences, and where the page lies."""
    from .campaign.assign import assign
    from .campaign.pages import write_plan_page
    from .campaign.plan import plan_offers
    from .pages import PLAN

    planned = plan_offers(ledger, config, None, progress)
    write_plan_page(planned.figures(), config.folder / PLAN, config.folder)
    decided = assign(ledger, config, None, progress)
    return [*planned.lines, *decided.lines, f"Open {config.folder / PLAN} for who gets what, and why."]
