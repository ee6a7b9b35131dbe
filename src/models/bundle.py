"""The bundle: a model as a folder of UBJ and JSON, with a manifest of SHA-256 hashes; nothing in it is pickled.

In: a `Model`. Out: ``model.json``, ``<kind>_<member>.ubj``, ``manifest.json``; and the same model back, to the bit.
Loading checks every hash first and refuses a folder with a file too many, too few or changed.
"""

from __future__ import annotations

import hashlib
import json
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
from .ensemble import CHURN, VALUE, Ensemble, Kind, Seed
from .level import Level
from .model import Model
from .naive import NaiveChurn, NaiveValue
from .prior import Prior
from .recalibration import Line
from .value import Value

FORMAT = 3
KINDS = (CHURN, VALUE)


def save(model: Model, folder: Path) -> None:
    """Write a model into an empty folder."""
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, bytes] = {}
    described: dict[str, Any] = {}
    for ensemble in (model.churn.ensemble, model.value.ensemble):
        kind = ensemble.kind.name
        described[kind] = {
            "members": {m: {"names": list(b.names), "seeded": b.seeded} for m, b in ensemble.boosters.items()},
            "line": asdict(ensemble.seed.line),
            "unit": ensemble.seed.unit,
        }
        files |= {f"{kind}_{member}.ubj": booster.saved() for member, booster in ensemble.boosters.items()}
    churn, value = model.churn, model.value
    described["churn"] |= {
        "prior_weight": churn.prior_weight,
        "horizon_days": churn.horizon_days,
        "share": churn.share,
        "level": churn.level.figures(),
        "speaker": model.speaker,
        "rule": asdict(model.rule),
    }
    described["value"] |= {
        "prior_weight": value.prior_weight,
        "net": value.net,
        "orders_factor": value.orders_factor,
        "orders_mean": value.orders_mean,
        "horizon_days": value.horizon_days,
        "speaker": model.value_speaker,
        "rule": asdict(model.value_rule),
    }
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
        "prior": model.prior.to_dict(),
        "reference": model.reference.to_dict(),
        **described,
    }
    files["model.json"] = json.dumps(content, indent=1, sort_keys=True).encode()
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())}
    files["manifest.json"] = json.dumps({"format": FORMAT, "sha256": hashes}, indent=1).encode()
    for name, data in files.items():
        (folder / name).write_bytes(data)


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
    churn, value = content["churn"], content["value"]
    modules = tuple(Source(**source) for source in content["modules"])
    register_sources(modules)
    return Model(
        horizon_days=int(content["horizon_days"]),
        trained_on=Cutoff.parse(content["trained_on"]),
        history_starts=Cutoff.parse(content["history_starts"]),
        rules=Rules(**content["rules"]),
        shape=Shape.from_dict(content["shape"]),
        modules=modules,
        speaker=churn["speaker"],
        value_speaker=value["speaker"],
        rule=NaiveChurn(**churn["rule"]),
        value_rule=NaiveValue(**value["rule"]),
        churn=Churn(
            _ensemble(CHURN, churn, files, threads),
            churn["prior_weight"],
            churn["horizon_days"],
            churn["share"],
            Level(**churn["level"]),
        ),
        value=Value(
            _ensemble(VALUE, value, files, threads),
            value["prior_weight"],
            value["net"],
            value["orders_factor"],
            value["orders_mean"],
            value["horizon_days"],
        ),
        prior=Prior.from_dict(content["prior"]),
        reference=Reference.from_dict(content["reference"]),
        active_within_days=content["active_within_days"],
    )


def _ensemble(kind: Kind, content: dict[str, Any], files: dict[str, bytes], threads: int) -> Ensemble:
    boosters = {
        member: Boosted.loaded(kind.name, m["names"], m["seeded"], files[f"{kind.name}_{member}.ubj"], threads)
        for member, m in content["members"].items()
    }
    # JSON sorts its keys; the mean over members is taken in the order of the kind.
    ordered = {member: boosters[member] for member in kind.members}
    return Ensemble(kind, ordered, Seed(Line(**content["line"]), content["unit"]))


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
