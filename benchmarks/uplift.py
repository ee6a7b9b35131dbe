"""Hillstrom's e-mail test: does it pay to personalise, and does uplift rank better than response?

In: `hillstrom.parquet` of REGULARS_DATA, a real randomised experiment of 64,000 customers in three arms. Out: by the
functions that `learn` uses: what a personalised choice between the two mails brings over the better one for all, in
visits a customer (doubly robust, on customers that the model has not seen), and Qini of the uplift of a visit against a
model of who visits after a mail, with the paired interval. `python -m benchmarks.uplift FOLDER`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regulars.models.uplift import Uplift
from regulars.offers.gate import Gain, gain_over, scores
from regulars.offers.qini import DRAWS, Compared, compared

Float = NDArray[np.float64]
ARMS = {"No E-Mail": -1, "Mens E-Mail": 0, "Womens E-Mail": 1}
MAILS = tuple(ARMS)[1:]
NUMBERS = ("recency", "history", "mens", "womens", "newbie")
TEXTS = ("zip_code", "channel")
FOLDS = 2


def experiment(data: Path) -> tuple[dict[str, Float], NDArray[np.int16], Float]:
    """What was known of each customer, what was sent (-1: nothing), and who visited."""
    frame = pd.read_parquet(data / "hillstrom.parquet")
    columns = {name: frame[name].to_numpy(np.float64) for name in NUMBERS}
    for name in TEXTS:
        for value in sorted(frame[name].unique()):
            columns[f"{name} {value}"] = (frame[name] == value).to_numpy(np.float64)
    given = np.asarray(frame["segment"].map(ARMS), np.int16)
    return columns, given, frame["visit"].to_numpy(np.float64)


def judged(data: Path, seed: int = 0, draws: int = DRAWS) -> tuple[Gain, dict[str, Compared]]:
    """The gate's gain, and Qini of each mail against nothing; all on customers that the models have not seen."""
    columns, given, visit = experiment(data)
    n, values = len(visit), np.column_stack(list(columns.values()))
    fold = np.random.default_rng(seed).permutation(n) % FOLDS
    expected, response = np.empty((n, 1 + len(MAILS))), np.empty((n, len(MAILS)))
    single = np.empty(n, np.int16)
    for part in range(FOLDS):
        learn, judge = fold != part, np.flatnonzero(fold == part)
        fitted = Uplift.fit(list(columns), values[learn], given[learn], visit[learn], len(MAILS), seed)
        expected[judge] = fitted.outcomes({name: column[judge] for name, column in columns.items()})
        response[judge] = expected[judge, 1:]
        means = [visit[learn & (given == mail)].mean() for mail in range(len(MAILS))]
        single[judge] = int(np.argmax(means))
    choice = np.where((expected[:, 1:] > expected[:, :1]).any(axis=1), expected[:, 1:].argmax(axis=1), -1)
    ours = choice.astype(np.int16)
    chance = np.full(n, 1 / 3)
    told = [scores(visit, given, chance, expected, policy) for policy in (ours, single)]
    gain = gain_over(told[0], told[1], np.arange(n), float((ours != single).mean()))
    found = {}
    for mail, name in enumerate(MAILS):
        rows = (given == mail) | (given < 0)
        lift = (expected[:, 1 + mail] - expected[:, 0])[rows]
        found[name] = compared(visit[rows], given[rows] == mail, lift, response[rows, mail], seed, draws)
    return gain, found


def figures(data: Path) -> dict[str, Any]:
    """As JSON takes it."""
    gain, found = judged(data)
    return {
        "gate": {**gain.to_dict(), "passed": gain.shown, "words": gain.words("the best single mail", " visits")},
        "qini": {name: {**vars(one), "words": one.words} for name, one in found.items()},
    }


if __name__ == "__main__":
    print(json.dumps(figures(Path(sys.argv[1])), indent=1))
