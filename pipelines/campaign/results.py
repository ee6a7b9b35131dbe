"""The figures of a measured campaign, and what they mean in words.

In: the comparisons of a campaign, of others and of all together. Out: plain values for JSON, pages and the terminal; no
ids. What cannot be concluded has no figure but a reason; a wave that is not due has counts and a date.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import ndtr

from ...clock import Cutoff
from ...offers.funnel import funnel
from ...offers.itt import Effect, difference
from ...offers.league import League, league
from ...offers.power import detectable_words
from ...offers.spoken import amount, between
from ...offers.trial import Trial
from ...offers.verdict import Measured, checked, effects, measured, side_by_side
from .cohorts import Cohort, Drawn
from .compared import ARMS, Comparison
from .program import ARMS as PROGRAM
from .program import MOVED

Key = Callable[[Cohort], NDArray[Any]]
MOVED_ARMS = (
    "Customers changed their arm between waves of the campaign (another salt or other shares): no effect is concluded."
)
CUT = 0.01


@dataclass(frozen=True)
class Result:
    """A campaign with at least one wave that is due.

    Parameters
    ----------
    campaign : str
    on : Cutoff
        The day up to which is looked.
    currency : str
    drawn : list of Drawn
        All its waves, those that are not due among them.
    own : Comparison
        Of its waves that are due.
    others : list of Comparison
        Of other campaigns, for the league tables.
    program : Comparison
        Of everybody against the hold-out.
    moved : int
        Customers who were in the hold-out at one time and not at another.
    events : Table
        All that is known of what happened to decisions.
    """

    campaign: str
    on: Cutoff
    currency: str
    drawn: list[Drawn]
    own: Comparison
    others: list[Comparison]
    program: Comparison
    moved: int
    events: pa.Table

    def figures(self) -> dict[str, Any]:
        """All of it."""
        due = [one for one in self.drawn if one.out.due(self.on)]
        found = self.whole
        profit = self.profit
        told = [] if found.refused else [*found.effects, *self._by_offer]
        return {
            **begun(self.campaign, self.on, self.drawn),
            "currency": self.currency,
            "waves": [wave_figures(one, self.on, self._in_wave(one)) for one in self.drawn],
            "effects": [_effect(effect) for effect in told],
            "profit": profit,
            "program": self._program,
            "league": self._leagues(),
            "funnel": self._funnel(due),
            "overlap": self._overlap,
            "before": [one.figures() for one in found.balances],
            "detectable": self._detectable(),
            "variance_reduction": max(
                (e.found.less_variance for e in found.effects if e.outcome == "profit"), default=None
            ),
            "refused": found.refused,
            "verdict": self.verdict,
            "words": self._words(profit, told),
            "warnings": self._warnings(due),
        }

    @property
    def verdict(self) -> str:
        """What may be said of the campaign."""
        profit = self.profit
        return str(profit["words"]) if profit else self.whole.verdict

    @cached_property
    def whole(self) -> Measured:
        """The campaign up to its last wave that is due."""
        trial = self.own.trial(lambda part: part.whole)
        broken = [one for one in self.drawn if not one.ok]
        found = _nobody() if trial is None else measured(trial)
        if found.refused or not broken:
            return found
        why = MOVED_ARMS if broken[0].ratio.ok else broken[0].ratio.words
        return Measured(found.counts, found.ratio, found.balances, (), why)

    def _profit_effect(self, found: Measured) -> Effect | None:
        return next((effect for effect in found.effects if effect.outcome == "profit"), None)

    @cached_property
    def profit(self) -> dict[str, Any] | None:
        """Profit beyond that of the controls, with its interval; None where nothing is concluded."""
        effect = self._profit_effect(self.whole)
        if effect is None:
            return None
        paid = sum(float(self.own.outlay(part, part.whole).sum()) for part in self.own.parts)
        expected = self._expected()
        return _money(effect, self.currency, "The campaign") | {"cost": paid, "expected": expected}

    def _expected(self) -> dict[str, float]:
        """What the plans of the waves that are due expected of those whom the policy chose."""
        names = ("gain_low", "gain", "gain_high")
        sums = np.zeros(3)
        for one in self.drawn:
            if one.out.due(self.on):
                table = one.out.wave.table(["arm", *names], "given")
                chosen = np.asarray(table.column("arm").to_pylist(), object) == "chosen"
                sums += [float(np.asarray(table.column(name).to_numpy())[chosen].sum()) for name in names]
        return dict(zip(("low", "base", "high"), sums.tolist(), strict=True))

    @cached_property
    def _trials(self) -> dict[str, Trial]:
        """One trial an offer, from the wave in which it was meant to the end of that wave's window."""
        names = sorted({str(name) for part in self.own.parts for name in np.unique(part.cohort.offer)})
        found = {name: self.own.trial(lambda part: part.own, _is(_offer, name)) for name in names}
        return {name: trial for name, trial in found.items() if trial is not None}

    @cached_property
    def _sound(self) -> dict[str, Trial]:
        """Without offers whose arms are not as they were drawn, however many are looked at."""
        found = {name: checked(trial) for name, trial in self._trials.items()}
        return {name: self._trials[name] for name, one in found.items() if not one.refused}

    @cached_property
    def _by_offer(self) -> tuple[Effect, ...]:
        return side_by_side(self._sound)

    def _in_wave(self, one: Drawn) -> list[dict[str, Any]]:
        """What the campaign brought in the window of one of its waves."""
        if self.whole.refused or not one.out.due(self.on):
            return []
        place = [each.out for each in self.drawn if each.out.due(self.on)].index(one.out)
        trial = self.own.trial(lambda part: part.in_window.get(place))
        return [] if trial is None or checked(trial).refused else [_effect(effect) for effect in effects(trial)]

    @cached_property
    def _program(self) -> dict[str, Any] | None:
        """All campaigns together; None without a hold-out."""
        trial = self.program.trial(lambda part: part.whole)
        if trial is None or not (trial.arm == 0).any():
            return None
        if self.moved:
            return {"words": MOVED}
        found = measured(trial)
        effect = self._profit_effect(found)
        if effect is None:
            return {"words": found.refused or found.verdict}
        return _money(effect, self.currency, "All campaigns together") | {
            "sample_ratio": None if found.ratio is None else found.ratio.figures(),
            "effects": [_effect(each) for each in found.effects],
        }

    def _leagues(self) -> dict[str, list[dict[str, Any]]]:
        if self.whole.refused:
            return {}
        keys = {"offers": _offer, "channels": _channel, "messages": _message}
        return {name: self._league(key).figures() for name, key in keys.items()}

    def _league(self, key: Key) -> League:
        """Profit per customer in the window of the wave, over campaigns weighted by what is known of each."""
        rows: dict[str, list[tuple[float, float, int]]] = {}
        for one in (self.own, *self.others):
            for name in sorted({str(v) for part in one.parts for v in np.unique(key(part.cohort))}):
                trial = one.trial(lambda part: part.own, _is(key, name))
                found = None if trial is None or checked(trial).refused else difference(trial, 1, "profit")
                if trial is not None and found is not None:
                    # Where nothing varies the error is 0: it weighs much, but not without end.
                    error = max(found.se, 1e-6 * abs(found.estimate), 1e-12)
                    rows.setdefault(name, []).append((found.estimate, error, int(trial.arm.sum())))
        names, middle, errors = list(rows), [], []
        for name in names:
            weight = np.array([1 / se**2 for _, se, _ in rows[name]])
            middle.append(float((weight * [y for y, _, _ in rows[name]]).sum() / weight.sum()))
            errors.append(float(1 / np.sqrt(weight.sum())))
        return league(names, middle, errors, [sum(n for *_, n in rows[name]) for name in names], self.currency)

    def _funnel(self, due: Sequence[Drawn]) -> list[dict[str, Any]]:
        tables = [one.out.wave.table(["decision_id", "offer"], "given") for one in due]
        given = pa.concat_tables(tables)
        titles = {offer.id: offer.title for one in due for offer in one.out.catalogue.offers}
        found = funnel(given, self.events)
        return [steps.figures() | {"title": titles.get(steps.offer, steps.offer)} for steps in found]

    @cached_property
    def _overlap(self) -> dict[str, Any] | None:
        """How many of either arm other campaigns reached meanwhile; None where there is no other."""
        if len(self.own.moves.campaigns) < 2:
            return None
        counts = np.zeros((2, 2))
        for part in self.own.parts:
            reached = self.own.others(part, self.campaign, part.whole)
            for arm in (0, 1):
                here = part.cohort.treated == bool(arm)
                counts[arm] += (reached[here].sum(), here.sum())
        shares = counts[:, 0] / np.maximum(counts[:, 1], 1)
        pooled = counts[:, 0].sum() / max(counts[:, 1].sum(), 1)
        error = np.sqrt(pooled * (1 - pooled) * (1 / np.maximum(counts[:, 1], 1)).sum())
        p = float(2 * ndtr(-abs(shares[1] - shares[0]) / error)) if error > 0 else 1.0
        words = f"Other campaigns reached {shares[1]:.1%} of the treated and {shares[0]:.1%} of the control meanwhile"
        if p < CUT:
            words += ": this campaign changed what others could send, and its effect is what it brought beyond that"
        return {"control": shares[0], "treated": shares[1], "p": p, "words": f"{words}."}

    def _detectable(self) -> dict[str, Any]:
        effect = self._profit_effect(self.whole)
        if effect is None:
            return {"difference": None, "words": ""}
        return {"difference": effect.detectable, "words": detectable_words(effect.detectable, None, self.currency)}

    def _words(self, profit: dict[str, Any] | None, told: Sequence[Effect]) -> list[str]:
        waiting = [one.out for one in self.drawn if not one.out.due(self.on)]
        some = "1 later wave is" if len(waiting) == 1 else f"{len(waiting)} later waves are"
        said = [f"{some} read out from {waiting[0].day} on."] if waiting else []
        if profit is None:
            return [*self.whole.words, *said]
        expected, unit = profit["expected"], self.currency
        plan = f"The plans had expected {amount(expected['base'], unit)}"
        ends = f"({amount(expected['low'])} to {amount(expected['high'])})"
        together = [self._program["words"]] if self._program else []
        shown = [e.words for e in told if (e.arm in ARMS) != (e.outcome == "profit")]
        few = sorted(set(self._sound) - {e.arm for e in told})
        lacking = [f"{', '.join(few)}: too few customers to say anything of each by itself."] if few else []
        return [profit["words"], f"{plan} {ends}.", *shown, *lacking, *together, *said]

    def _warnings(self, due: Sequence[Drawn]) -> list[str]:
        found = list(self.own.moves.warnings)
        if self.own.windows.lacking:
            lacking = f"{self.own.windows.lacking:,} lines have no cost where others have one"
            found.append(f"{lacking}: profit is reckoned with `margin`.")
        lost = sum(int((~self.own.windows.found[part.whole].known).sum()) for part in self.own.parts)
        if lost:
            found.append(
                f"{lost:,} customers of the decisions are not in the ledger: they count as having bought nothing."
            )
        uneven = sorted(set(self._trials) - set(self._sound)) if not self.whole.refused else []
        if uneven:
            found.append(f"Arms of {', '.join(uneven)} differ by more than chance allows: no effect of them is shown.")
        again = len(due) > 1
        if again:
            found.append(
                "An offer's effect is that of the first time it was meant for a customer in this campaign; what came "
                "of later waves is in the result of the whole campaign."
            )
        if self._overlap and self._overlap["p"] < CUT:
            found.append(self._overlap["words"])
        return found


def waiting(campaign: str, on: Cutoff, drawn: list[Drawn], today: Cutoff | None) -> dict[str, Any]:
    """The figures of a campaign of which no wave is due: counts, whether the arms are as drawn, and the date."""
    first = min(one.out.day for one in drawn)
    said = not_before(first)
    late = [f"The purchases end before {on}: they must reach {first}."] if today is not None and today >= first else []
    broken = [one.ratio.words if not one.ratio.ok else MOVED_ARMS for one in drawn if not one.ok]
    return {
        **begun(campaign, on, drawn),
        "currency": str(drawn[0].out.policy["currency"]),
        "waves": [wave_figures(one, on, []) for one in drawn],
        **dict.fromkeys(("profit", "program", "overlap", "variance_reduction")),
        **{name: [] for name in ("effects", "funnel", "before")},
        "league": {},
        "detectable": {"difference": None, "words": ""},
        "refused": said,
        "verdict": said,
        "words": [said, *late, *broken],
        "warnings": [],
    }


def not_before(day: Cutoff) -> str:
    """What is said of a campaign of which no wave is due."""
    return f"The result is looked at from {day} on, the day that was fixed when the wave was assigned; not before."


def begun(campaign: str, on: Cutoff, drawn: Sequence[Drawn]) -> dict[str, Any]:
    """What is known of a campaign at any time."""
    return {"campaign": campaign, "today": str(on), "read_out": str(min(one.out.day for one in drawn))}


def wave_figures(one: Drawn, on: Cutoff, effects: list[dict[str, Any]]) -> dict[str, Any]:
    """A wave: its arms, its day of the result, and what came in its window."""
    ratio = one.ratio.figures()
    if one.moved:
        ratio |= {"ok": False, "words": MOVED_ARMS}
    return {
        "as_of": str(one.out.begins),
        "read_out": str(one.out.day),
        "window_days": one.out.window_days,
        "due": one.out.due(on),
        "arms": {name: {"customers": n} for name, n in one.arms.items()},
        "moved": one.moved,
        "sample_ratio": ratio,
        "effects": effects,
    }


def _effect(effect: Effect) -> dict[str, Any]:
    found = effect.figures()
    return found | {"what": "all" if effect.arm in (*ARMS, *PROGRAM) else effect.arm}


def _money(effect: Effect, currency: str, who: str) -> dict[str, Any]:
    """Incremental profit in all and per customer, with the interval, and as a sentence."""
    low, total, high = effect.total
    if effect.sure:
        verb, near, far = ("brought", low, high) if total > 0 else ("lost", -high, -low)
        ends = f"{between(near, far, currency)}, with 95 % certainty"
        each = f"{amount(abs(effect.estimate), currency)} per customer"
        words = f"{who} {verb} {amount(abs(total), currency)} ({ends}), after all costs: {each}."
    else:
        could = (
            f"{amount(effect.detectable, currency)} per customer or more would have been found four times out of five"
        )
        what = f"What {who[0].lower()}{who[1:]} brought"
        words = f"{what} is not distinguishable from zero: {between(low, high, currency)}; {could}."
    return {
        "total": total,
        "low": low,
        "high": high,
        "per_customer": effect.estimate,
        "per_customer_low": effect.low,
        "per_customer_high": effect.high,
        "customers": effect.treated,
        "control": effect.control,
        "p": effect.found.p,
        "sure": effect.sure,
        "words": words,
    }


def _nobody() -> Measured:
    return Measured(dict.fromkeys(ARMS, 0), None, (), ())


def _offer(cohort: Cohort) -> NDArray[Any]:
    return cohort.offer


def _channel(cohort: Cohort) -> NDArray[Any]:
    return cohort.channel


def _message(cohort: Cohort) -> NDArray[Any]:
    """Kinds of messages: what the catalogue calls them, else the type of the offer."""
    names, at = np.unique(cohort.offer, return_inverse=True)
    offers = [cohort.out.catalogue.offer(str(name)) for name in names]
    return np.array([offer.message or offer.type for offer in offers] or [""])[at]


def _is(key: Key, name: str) -> Callable[[Cohort], NDArray[np.bool_]]:
    return lambda cohort: np.asarray(key(cohort) == name)
