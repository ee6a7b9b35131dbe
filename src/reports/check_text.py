"""The examination on the screen: the verdict first, then what to look at, then the figures behind it.

In: an `Examination`. Out: plain text. What is missing is a dash.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..examination.examine import Examination, capital
from ..examination.finding import Finding, Severity, said
from ..schema import SCALE

_HEAD = {Severity.SERIOUS: "Serious", Severity.SUSPICIOUS: "Suspicious", Severity.NOTE: "Good to know"}


def check_text(found: Examination) -> str:
    """All that matters, in lines."""
    return "\n".join(line.rstrip() for line in _lines(found))


def _lines(found: Examination) -> Iterator[str]:
    manifest, currency = found.ledger.manifest, found.ledger.manifest.currency
    yield f"{found.verdict.upper()}: {found.first_thing}"
    yield ""
    yield (
        f"{said(manifest.n_customers, 'customer', 'customers')} and {said(manifest.n_orders, 'order', 'orders')} "
        f"from {manifest.first_day} to {manifest.last_day}."
    )
    if found.enough.words != found.first_thing:
        yield found.enough.words
    yield from (f"  {capital(remark)}." for remark in found.enough.remarks)
    for severity, head in _HEAD.items():
        of_kind = [f for f in found.findings if f.severity == severity]
        if of_kind:
            yield from ("", f"{head}:")
            for finding in of_kind:
                yield from _finding(finding, currency, severity != Severity.NOTE)
    if found.asides:
        yield from ("", "In quarantine:")
        yield from (f"  {a.count:,} {a.table}: {a.reason} ({', '.join(a.places)})" for a in found.asides)
    if found.repairs:
        yield from ("", "Repaired:", *(f"  {repair}" for repair in found.repairs))
    yield from _columns(found)
    yield from _windows(found)


def _finding(finding: Finding, currency: str, with_advice: bool) -> Iterator[str]:
    money = "" if not finding.money else f" [{finding.money / SCALE:,.2f} {currency}".rstrip() + "]"
    such = f", such as {'; '.join(finding.examples)}" if finding.examples else ""
    yield f"  {capital(finding.words)}{such}{money}."
    if with_advice and finding.do:
        yield f"    -> {finding.do}"


def _columns(found: Examination) -> Iterator[str]:
    for table, profiles in found.profiles.items():
        grammar = found.ledger.manifest.grammar if table == "purchases" else {}
        rows = [
            (
                p.name,
                f"{p.share:.1%}",
                "" if p.is_time else f"{'>' if p.more else ''}{p.distinct:,}",
                f"{p.lowest} to {p.highest}" if p.lowest else "",
                str(grammar.get(p.name, "")),
            )
            for p in profiles
        ]
        yield from ("", f"Columns of the {table}:")
        yield from aligned(("column", "filled", "different", "from, to", "written as"), rows, "<>><<")


def _windows(found: Examination) -> Iterator[str]:
    advice = found.advice
    if not advice.windows:
        return
    rows = [
        (str(w.days), f"{w.silences:,}", _share(w.came_back), _share(w.base_rate), str(w.origins))
        for w in advice.windows
    ]
    yield from ("", f"Churn window (come back: within {advice.follow_days} days):")
    yield from aligned(("days", "silences", "come back", "fall silent", "past days"), rows, ">>>>>")
    if advice.proposed:
        yield f"Proposed: {advice.proposed} days, for {advice.reason}."
    else:
        yield f"Proposed: none, for {advice.reason}."


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


def aligned(heads: Sequence[str], rows: Sequence[Sequence[str]], sides: str) -> Iterator[str]:
    """Columns of text; `sides` says for each whether it stands at the left or at the right.

    Examples
    --------
    >>> list(aligned(("a", "n"), [("x", "10")], "<>"))
    ['  a   n', '  x  10']
    """
    widths = [max(len(cell) for cell in column) for column in zip(heads, *rows, strict=True)]
    for cells in (heads, *rows):
        shown = (f"{cell:{side}{width}}" for cell, side, width in zip(cells, sides, widths, strict=True))
        yield "  " + "  ".join(shown)
