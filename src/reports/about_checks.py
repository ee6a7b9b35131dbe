"""The chapter on the checks one by one: was it better every time, how much of the error is level, was a season known?

In: the checked report. Out: one section in plain words, the picture of all checks, what is to be known of them. One
season differs from the next by more than one customer from another, so that every check is shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from .blocks import Cell, Column, Section, Table, pictured, row
from .checks import Loss, beside, better_at, gain_at, loss_groups, loss_of, together, where_defined, windows
from .comparison import RULE, best_classic, origins
from .figures import losses_picture
from .inputs import PRODUCT, ReportInput, branch, number
from .notation import UNDEFINED, count, date, days, figure, model_name, percent, plain, points, span

SHOWN_NOTES = 40
SEEN = 0.01
"""From this share of a bar on, its end can be seen."""


def steady(report: ReportInput) -> Section:
    """Whether the model is better at every check, and what its error is made of."""
    topic = "Is it better every time?"
    if PRODUCT not in beside(report):
        return Section("steady", topic, "Whether it is better every time is not defined here: no check was made.")
    picture = losses_picture(loss_groups(report))
    words = [_level_words(report), _season_words(report), *_window_words(report), *_notes(report)]
    note = "Log loss; shorter is better. Bold: the smallest at that check."
    tables = [_check_table(report), *_season_table(report), *_prior_table(report)]
    return Section("steady", topic, _headline(report), words, pictured("Every check", picture, note), tables)


def _times(report: ReportInput, rival: str) -> str | None:
    better, known = better_at(report, rival)
    name = "the simple rule" if rival == RULE else model_name(rival)
    if not known:
        return None
    if len(origins(report)) == 1:
        return f"{'better' if better else 'not better'} than {name}"
    return f"better than {name} at {better or 'none'} of {known}"


def _headline(report: ReportInput) -> str:
    said = [t for rival in (RULE, best_classic(report) or "") if (t := _times(report, rival)) is not None]
    checks = "at the one check in the past" if len(origins(report)) == 1 else "checks in the past"
    if not said:
        return "How it compares with its rivals check by check is not defined here."
    return f"Regulars was {' and '.join(said)} {checks}."


def _level_words(report: ReportInput) -> str:
    """How much of the error would vanish if only the share of those who leave had been known."""
    found, at = where_defined(report, PRODUCT)
    if found.share is None or found.level is None:
        return f"How much of the error is level is {UNDEFINED}."
    n = len(origins(report))
    where = "" if at == n else f", at the {at} of {n} checks at which some customers left and others not"
    seen = "the orange end of the bar" if found.share >= SEEN else "too little to be seen in the picture"
    return (
        f"How much of the error is level{where}: {percent(found.share)} of the log loss ({figure(found.level, 4)} of "
        f"{figure(found.whole, 4)}), {seen}. So much would vanish if only the share of customers who leave "
        "had been known at each check. The rest is telling customers apart, and luck."
    )


def _season_words(report: ReportInput) -> str:
    """Whether what happened a year earlier was used, at how many checks; why not at the last one."""
    found = [level for o in origins(report) if (level := branch(o, "level"))]
    if not found:
        return f"Whether the season was taken into account is {UNDEFINED}."
    weights = [w for level in found if level.get("twin") and (w := number(level.get("weight"))) is not None]
    if not weights:
        every = "at the one check" if len(found) == 1 else f"at any of the {len(found)} checks"
        return f"The season was not taken into account {every}: {_reason(found[-1])}."
    between = percent(weights[0])
    if min(weights) != max(weights):
        between = f"{percent(min(weights))} to {percent(max(weights))}"
    where = "the one check" if len(found) == 1 else f"{len(weights)} of {len(found)} checks"
    return (
        f"The season was taken into account at {where}: what the classical model had missed a year earlier moves the "
        f"level, with a weight of {between}. The table says where and why not elsewhere."
    )


def _reason(level: Mapping[str, object]) -> str:
    words = plain(level.get("words") or "the reason was not kept").removeprefix("no twin: ")
    return re.sub(r"\b\d{4}-\d\d-\d\d\b", lambda day: date(day[0]), words)


def _window_words(report: ReportInput) -> list[str]:
    """Whether the model in use, or one at a check, learnt from shorter windows than were asked for."""
    asked = report.horizon_days
    shorter = sorted({w for w in windows(report) if w is not None and w != asked})
    now = round(number(branch(report.backtest, "enough").get("trained_days")) or asked)
    said = []
    if now != asked and set(windows(report)) == {now}:
        said.append(f"All models learnt from windows of {days(now)}")
    elif now != asked:
        said.append(f"The model in use learnt from windows of {days(now)}")
    if shorter and set(windows(report)) != {now}:
        learnt = " and ".join(days(w) for w in shorter)
        said.append(f"{'at' if said else 'At'} some checks the models learnt from windows of {learnt}")
    tail = f", carried to {asked} by the classical models: longer windows had not closed often enough."
    return ["; ".join(said) + tail] if said else []


def _notes(report: ReportInput) -> list[str]:
    """What the backtest notes of the origins, but for the windows, which have their own sentence."""
    given = report.backtest.get("notes")
    texts = [plain(n) for n in given] if isinstance(given, (list, tuple)) else []
    return [f"{n[:1].upper()}{n[1:]}." for n in texts if n and "carried to" not in n]


def _check_table(report: ReportInput) -> Table:
    """One row a check: the model's loss, its level, and the gain over the two rivals."""
    classic = best_classic(report) or ""
    parts = [(date(o.get("cutoff")), o) for o in origins(report)]
    parts += [("All", branch(report.backtest, "pooled"))] if len(parts) > 1 else []
    learnt = [*windows(report), None]
    apart = any(w is not None and w != report.horizon_days for w in learnt)
    columns = [Column("Check", False), Column("Did not buy"), Column("Log loss"), Column("Of it level"),
               Column("Better than the simple rule"), Column(f"Better than {model_name(classic)}")]  # fmt: skip
    rows = []
    for (name, part), window in zip(parts, learnt, strict=False):
        loss = together(report, PRODUCT) if name == "All" else loss_of(part, PRODUCT)
        cells = [
            Cell(name, f"{count(part['n'])} customers" if name != "All" and number(part.get("n")) is not None else ""),
            Cell(percent(part.get("base_rate"))),
            Cell(figure(loss.whole, 4), span(loss.ends, 4), strong=True),
            _level_cell(loss),
            Cell(_gain(part, RULE)),
            Cell(_gain(part, classic)),
        ]
        rows.append([*cells, *([Cell("" if window is None else days(window))] if apart else [])])
    columns += [Column("Learnt from windows of")] if apart else []
    return Table("The checks one by one", columns, rows, note="Small figures: 90\u00a0% intervals.")


def _gain(part: Mapping[str, object], rival: str) -> str:
    gain = gain_at(part, rival)
    return UNDEFINED if gain is None else f"{points(100 * gain)}\u00a0%"


def _level_cell(loss: Loss) -> Cell:
    return Cell(percent(loss.share), "" if loss.level is None else figure(loss.level, 4))


def _season_table(report: ReportInput) -> list[Table]:
    found = [(o, level) for o in origins(report) if (level := branch(o, "level"))]
    if not found:
        return []
    columns = [Column("Check", False), Column("Season", False), Column("Why, or how much", False),
               Column("Shift of the level", note="in logits")]  # fmt: skip
    rows = [
        row(date(o.get("cutoff")), "on" if level.get("twin") else "off", _reason(level), figure(level.get("shift"), 2))
        for o, level in found
    ]
    note = "The ranking is the trees', the level is moved towards the classical models' and, where known, the season's."
    return [Table("The season at each check", columns, rows, folded=True, note=note)]


def _prior_table(report: ReportInput) -> list[Table]:
    """What there is to say of the classical models, each remark once."""
    given = [o.get("priors") for o in origins(report)]
    notes = list(dict.fromkeys(plain(n) for g in given if isinstance(g, (list, tuple)) for n in g))
    if not notes:
        return []
    more = len(notes) - SHOWN_NOTES
    rows = [row(n) for n in notes[:SHOWN_NOTES]] + ([row(f"and {count(more)} more")] if more > 0 else [])
    caption = f"How the classical models were fitted ({count(len(notes))} remark{'s' if len(notes) > 1 else ''})"
    return [Table(caption, [Column("Remark", False)], rows, folded=True)]
