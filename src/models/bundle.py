"""The bundle: a model as a folder of UBJ and JSON, with a manifest of SHA-256 hashes; nothing in it is pickled.

In: a `Model`. Out: ``model.json``, ``<kind>_<days>_<member>.ubj``, ``manifest.json``; and the same model back, to the
bit. Loading checks every hash first and refuses a folder with a file too many, too few or changed.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .. import __version__
from ..clock import Cutoff
from ..errors import NoModel
from ..features.modules import Source, register_sources
from ..features.reference import Reference
from ..features.shape import Shape
from ..schema import Rules
from .boosted import Boosted
from .churn import Churn
from .ensemble import CHURN, GAMMA, ORDERS, VALUE, Ensemble, Kind, Seed
from .intervals import Intervals
from .learnt import Learnt, Outlook
from .level import Level
from .lifetime import Lifetime
from .model import Model
from .naive import NaiveChurn, NaiveValue
from .orders import Orders
from .prior import Prior
from .prospects import Prospects
from .recalibration import Line
from .timing import Timing
from .usual import Usual
from .value import Value

FORMAT = 4


def save(model: Model, folder: Path) -> None:
    """Write a model into an empty folder."""
    folder.mkdir(parents=True, exist_ok=True)
    timing, files = model.learnt.timing.pieces()
    content = {
        "format": FORMAT,
        "regulars": __version__,
        "horizon_days": model.horizon_days,
        "trained_on": str(model.trained_on),
        "history_starts": str(model.history_starts),
        "rules": asdict(model.rules),
        "shape": model.shape.to_dict(),
        "modules": [asdict(source) for source in model.modules],
        "active_within_days": model.active_within_days,
        "speaker": model.speaker,
        "value_speaker": model.value_speaker,
        "high_value": model.high_value,
        "rule": asdict(model.rule),
        "value_rule": asdict(model.value_rule),
        "outlooks": [{"days": h, **_outlook(o, files)} for h, o in model.learnt.outlooks.items()],
        "timing": timing,
        "trust": {str(h): found.to_dict() for h, found in model.trust.items()},
        "lifetime": model.lifetime.to_dict(),
        "usual": model.usual.to_dict(),
        "prospects": model.prospects and model.prospects.to_dict(),
        "prior": model.prior.to_dict(),
        "reference": model.reference.to_dict(),
    }
    files["model.json"] = json.dumps(content, indent=1, sort_keys=True).encode()
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())}
    files["manifest.json"] = json.dumps({"format": FORMAT, "sha256": hashes}, indent=1).encode()
    for name, data in files.items():
        (folder / name).write_bytes(data)


def _outlook(outlook: Outlook, files: dict[str, bytes]) -> dict[str, Any]:
    value, orders = outlook.value, outlook.orders
    return {
        "churn": _churn(outlook.churn, "churn", files),
        "value": {
            **_described(value.ensemble, f"value_{value.horizon_days}", files),
            "amounts": _described(value.amounts, f"amounts_{value.horizon_days}", files),
            "prior_weight": value.prior_weight,
            "net": value.net,
            "kept": value.kept,
            "horizon_days": value.horizon_days,
            "level": value.level.figures(),
        },
        "orders": {
            **_described(orders.ensemble, f"orders_{orders.horizon_days}", files),
            "horizon_days": orders.horizon_days,
            "level": orders.level.figures(),
        },
    }


def _churn(churn: Churn, name: str, files: dict[str, bytes]) -> dict[str, Any]:
    return {
        **_described(churn.ensemble, f"{name}_{churn.horizon_days}", files),
        "prior_weight": churn.prior_weight,
        "horizon_days": churn.horizon_days,
        "share": churn.share,
        "level": churn.level.figures(),
    }


def _described(ensemble: Ensemble, stem: str, files: dict[str, bytes]) -> dict[str, Any]:
    """An ensemble without its boosters, which become files; a carried horizon has those of the trained one."""
    files |= {f"{stem}_{member}.ubj": booster.saved() for member, booster in ensemble.boosters.items()}
    return {
        "stem": stem,
        "members": {m: {"names": list(b.names), "seeded": b.seeded} for m, b in ensemble.boosters.items()},
        "line": asdict(ensemble.seed.line),
        "unit": ensemble.seed.unit,
        "least": ensemble.seed.least if ensemble.seed.least > -math.inf else None,
    }


def load(folder: Path, threads: int = 1) -> Model:
    """Read a model back after checking every file against the manifest.

    Raises
    ------
    NoModel
        When the folder is no bundle, or was changed.
    """
    files = _verified(folder)
    content = json.loads(files["model.json"])
    if content.get("format") != FORMAT:
        raise NoModel(f"the bundle has format {content.get('format')}", needed=f"format {FORMAT}", code="RG071")
    modules = tuple(Source(**source) for source in content["modules"])
    register_sources(modules)
    kept = _Kept(files, threads)
    learnt = Learnt(
        # In the order in which they were asked: the first is the primary one.
        {int(o["days"]): kept.outlook(o) for o in content["outlooks"]},
        Timing.of_pieces(content["timing"], files, threads),
        NaiveChurn(**content["rule"]),
        NaiveValue(**content["value_rule"]),
    )
    return Model(
        trained_on=Cutoff.parse(content["trained_on"]),
        learnt=learnt,
        trust={int(h): Intervals.from_dict(found) for h, found in content["trust"].items()},
        lifetime=Lifetime.from_dict(content["lifetime"]),
        speaker=content["speaker"],
        value_speaker=content["value_speaker"],
        high_value=content["high_value"],
        usual=Usual.from_dict(content["usual"]),
        prior=Prior.from_dict(content["prior"]),
        reference=Reference.from_dict(content["reference"]),
        history_starts=Cutoff.parse(content["history_starts"]),
        rules=Rules(**content["rules"]),
        shape=Shape.from_dict(content["shape"]),
        active_within_days=content["active_within_days"],
        modules=modules,
        prospects=content["prospects"] and Prospects.from_dict(content["prospects"]),
    )


class _Kept:
    """The boosters of a bundle, each read once: a carried horizon has those of the trained one."""

    def __init__(self, files: Mapping[str, bytes], threads: int) -> None:
        self.files, self.threads = files, threads
        self.read: dict[tuple[str, str], Boosted] = {}

    def outlook(self, content: Mapping[str, Any]) -> Outlook:
        """The models of one horizon."""
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


def _verified(folder: Path) -> dict[str, bytes]:
    """The files of a bundle whose hashes are those of its manifest."""
    try:
        hashes = dict(json.loads((folder / "manifest.json").read_bytes())["sha256"])
        present = {p.name for p in folder.iterdir()} - {"manifest.json"}
        files = {name: (folder / name).read_bytes() for name in present & set(hashes)}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NoModel(f"{folder.name} is not a model bundle: {error}", do="train again", code="RG072") from None
    wrong = sorted(present ^ set(hashes))
    wrong += sorted(n for n, data in files.items() if hashlib.sha256(data).hexdigest() != hashes[n])
    if wrong or "model.json" not in files:
        raise NoModel(
            "the model bundle was changed", needed="its own files", offending=wrong, do="train again", code="RG073"
        )
    return files
