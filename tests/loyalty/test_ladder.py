"""Tiers of members: by hand, that none flaps within its grace, and until when each is held."""

from __future__ import annotations

import numpy as np

from regulars.clock import Cutoff
from regulars.loyalty.cells import Cells
from regulars.loyalty.ladder import Ladder, ladder
from regulars.segments.tiers import Limits

LIMITS = Limits(("silver", "gold"), (50, 100))
GRACE = 30


def track(*members: list[tuple[int, int]]) -> Cells:
    """What each of some members earned: (day, points)."""
    rows = [(i, day, points) for i, entries in enumerate(members) for day, points in entries]
    customer, day, points = (np.array([row[at] for row in rows], np.int64) for at in (0, 1, 2))
    return Cells.of(len(members), customer, day, {"points": points})


def at(day: int, *members: list[tuple[int, int]], grace: int = GRACE) -> Ladder:
    known = [[entry for entry in entries if entry[0] < day] for entries in members]
    return ladder(track(*known), "points", LIMITS, Cutoff(day), grace, grace)


def test_a_tier_begins_at_its_limit_and_says_how_far_it_is_to_the_next() -> None:
    found = at(900, [(800, 49)], [(800, 50)], [(800, 99)], [(800, 100)], [])
    assert found.place.tolist() == [2, 1, 1, 0, 2]  # gold, silver, base
    assert found.to_next.tolist() == [1, 50, 1, -1, 50]


def test_points_count_for_365_days_and_the_tier_is_kept_for_the_grace_after_them() -> None:
    # Points of day 500 are in the 365 days before the day up to day 865, the grace goes on to 895.
    for day, place, value in ((865, 1, 60), (866, 1, 0), (895, 1, 0), (896, 2, 0)):
        found = at(day, [(500, 60)])
        assert (found.place.tolist(), found.value.tolist()) == ([place], [value])
    # Below the limit from day 866 on: fifty would keep it, and a hundred are the next tier.
    kept = at(870, [(500, 60)])
    assert (kept.lacks.tolist(), kept.to_next.tolist(), kept.until.tolist()) == ([50], [100], [895])
    assert at(600, [(500, 60)]).until.tolist() == [895]


def test_who_is_in_the_base_has_nothing_to_lose() -> None:
    found = at(600, [(500, 49)])
    assert (found.until.tolist(), found.lacks.tolist()) == ([-1], [0])


def test_without_a_grace_the_tier_falls_on_the_day_on_which_the_points_do() -> None:
    assert [at(day, [(500, 60)], grace=0).place.tolist() for day in (865, 866)] == [[1], [2]]
    assert at(600, [(500, 60)], grace=0).until.tolist() == [865]


def test_a_tier_never_flaps_and_ends_on_the_day_that_was_said() -> None:
    rng = np.random.default_rng(1)
    members = [
        [(int(rng.integers(0, 900)), int(rng.integers(-20, 40))) for _ in range(int(rng.integers(1, 12)))]
        for _ in range(40)
    ]
    before: Ladder | None = None
    falls = 0
    for day in range(400, 1300, 7):
        found = at(day, *members)
        raw = at(day, *members, grace=0)
        assert (found.place <= raw.place).all()  # grace never takes away
        if before is not None:
            fell = found.place > before.place
            falls += int(fell.sum())
            # It had not been reached on the last days of the grace: what it fell from was below on each of them.
            for back in range(0, GRACE + 1, 7):
                assert (at(day - back, *members, grace=0).place[fell] > before.place[fell]).all()
        before = found
    assert falls > 20
    # Nothing is earned after day 900: what is said of the end is what comes.
    said = at(900, *members)
    for who in np.flatnonzero(said.until >= 0).tolist():
        last, alone = int(said.until[who]), members[who]
        assert at(last, alone).place[0] <= said.place[who] < at(last + 1, alone).place[0]
