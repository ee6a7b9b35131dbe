"""What was learnt as plain values and files, and back: each booster is one UBJ file, all else goes into JSON.

In: the models of the horizons, or what was made of them. Out: plain values that JSON takes, and boosters by file name;
the same models back, to the bit. A horizon whose models are carried there has the files of the one they were learnt at.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from .boosted import Boosted
from .churn import Churn
from .ensemble import CHURN, GAMMA, ORDERS, VALUE, Ensemble, Kind, Seed
from .learnt import Outlook
from .level import Level
from .orders import Orders
from .recalibration import Line
from .timing import LIGHT, Timing, Within
from .value import Value


class Taken:
    """Models taken apart.

    Parameters
    ----------
    files : dict of str to bytes
        Boosters by the names of their files, as they were taken out so far.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def outlook(self, outlook: Outlook) -> dict[str, Any]:
        """The models of one horizon."""
        churn, value, orders = outlook.churn, outlook.value, outlook.orders
        return {
            "churn": {
                **self.ensemble(f"churn_{churn.horizon_days}", churn.ensemble),
                "prior_weight": churn.prior_weight,
                "horizon_days": churn.horizon_days,
                "share": churn.share,
                "level": churn.level.figures(),
            },
            "value": {
                **self.ensemble(f"value_{value.horizon_days}", value.ensemble),
                "amounts": self.ensemble(f"amounts_{value.horizon_days}", value.amounts),
                "prior_weight": value.prior_weight,
                "net": value.net,
                "kept": value.kept,
                "horizon_days": value.horizon_days,
                "level": value.level.figures(),
            },
            "orders": {
                **self.ensemble(f"orders_{orders.horizon_days}", orders.ensemble),
                "horizon_days": orders.horizon_days,
                "level": orders.level.figures(),
            },
        }

    def timing(self, timing: Timing) -> dict[str, Any]:
        """The classifiers of the horizons beside the primary one."""
        learnt = [
            {
                "days": days,
                **self.ensemble(f"timing_{days}", within.ensemble),
                "prior_weight": within.prior_weight,
                "level": within.level.figures(),
            }
            for days, within in timing.learnt.items()
        ]
        return {"days": list(timing.days), "read_days": timing.read_days, "share": timing.share, "learnt": learnt}

    def ensemble(self, stem: str, ensemble: Ensemble) -> dict[str, Any]:
        """An ensemble without its boosters, which become files."""
        self.files |= {f"{stem}_{member}.ubj": booster.saved() for member, booster in ensemble.boosters.items()}
        return {
            "stem": stem,
            "members": {m: {"names": list(b.names), "seeded": b.seeded} for m, b in ensemble.boosters.items()},
            "line": asdict(ensemble.seed.line),
            "unit": ensemble.seed.unit,
            "least": ensemble.seed.least if ensemble.seed.least > -math.inf else None,
        }


class Put:
    """Models put together again; each booster is read once, by however many horizons.

    Parameters
    ----------
    files : dict of str to bytes
        As `Taken.files`.
    threads : int
        With which the boosters predict.
    """

    def __init__(self, files: Mapping[str, bytes], threads: int = 1) -> None:
        self.files, self.threads = files, threads
        self.read: dict[tuple[str, str], Boosted] = {}

    def outlook(self, content: Mapping[str, Any]) -> Outlook:
        """The inverse of `Taken.outlook`."""
        churn, value, orders = content["churn"], content["value"], content["orders"]
        return Outlook(
            Churn(
                self.ensemble(CHURN, churn),
                churn["prior_weight"],
                churn["horizon_days"],
                churn["share"],
                Level(**churn["level"]),
            ),
            Value(
                self.ensemble(VALUE, value),
                self.ensemble(GAMMA, value["amounts"]),
                value["prior_weight"],
                value["net"],
                value["kept"],
                value["horizon_days"],
                Level(**value["level"]),
            ),
            Orders(self.ensemble(ORDERS, orders), orders["horizon_days"], Level(**orders["level"])),
        )

    def timing(self, content: Mapping[str, Any]) -> Timing:
        """The inverse of `Taken.timing`."""
        learnt = {
            int(one["days"]): Within(self.ensemble(LIGHT, one), one["prior_weight"], Level(**one["level"]))
            for one in content["learnt"]
        }
        return Timing(tuple(content["days"]), content["read_days"], content["share"], learnt)

    def ensemble(self, kind: Kind, content: Mapping[str, Any]) -> Ensemble:
        """The boosters of one kind, in the order of the kind, as the mean over them is taken in it."""
        members = [m for m in kind.members if m in content["members"]]
        boosters = {m: self.booster(kind, content["stem"], m, content["members"][m]) for m in members}
        least = -math.inf if content["least"] is None else content["least"]
        return Ensemble(kind, boosters, Seed(Line(**content["line"]), content["unit"], least))

    def booster(self, kind: Kind, stem: str, member: str, content: Mapping[str, Any]) -> Boosted:
        """One booster."""
        if (stem, member) not in self.read:
            file = self.files[f"{stem}_{member}.ubj"]
            self.read[stem, member] = Boosted.loaded(kind.name, content["names"], content["seeded"], file, self.threads)
        return self.read[stem, member]
