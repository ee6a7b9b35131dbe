"""The bundle: a model as a folder of UBJ and JSON, with a manifest of SHA-256 hashes; nothing in it is pickled.

In: a `Model`, what its card says. Out: ``model.json``, ``<kind>_<days>_<member>.ubj``, ``card.json`` and ``card.md``,
``manifest.json``; and the same model back, to the bit. Loading checks every hash first and refuses a folder with a file
too many, too few or changed.
"""

from __future__ import annotations

import hashlib
import json
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
from .card import card_of, card_text
from .intervals import Intervals
from .learnt import Learnt
from .lifetime import Lifetime
from .model import Model
from .naive import NaiveChurn, NaiveValue
from .pieces import Put, Taken
from .prior import Prior
from .profile import Profile
from .prospects import Prospects
from .seal import MANIFEST, verified
from .usual import Usual

FORMAT = 5
CARD = "card.json"


def save(model: Model, folder: Path, card: Mapping[str, Any] | None = None) -> None:
    """Write a model into an empty folder.

    Parameters
    ----------
    card : mapping, optional
        From `card_of`; by default one that knows nothing but the model.
    """
    folder.mkdir(parents=True, exist_ok=True)
    taken = Taken()
    content = {
        "format": FORMAT,
        "regulars": __version__,
        "horizon_days": model.horizon_days,
        "trained_on": str(model.trained_on),
        "history_starts": str(model.history_starts),
        "begins": {table: str(day) for table, day in model.begins.items()},
        "currency": model.currency,
        "rules": asdict(model.rules),
        "shape": model.shape.to_dict(),
        "modules": [asdict(source) for source in model.modules],
        "active_within_days": model.active_within_days,
        "speaker": model.speaker,
        "value_speaker": model.value_speaker,
        "high_value": model.high_value,
        "rule": asdict(model.rule),
        "value_rule": asdict(model.value_rule),
        "outlooks": [{"days": h, **taken.outlook(o)} for h, o in model.learnt.outlooks.items()],
        "timing": taken.timing(model.learnt.timing),
        "trust": {str(h): found.to_dict() for h, found in model.trust.items()},
        "lifetime": model.lifetime.to_dict(),
        "usual": model.usual.to_dict(),
        "prospects": model.prospects and model.prospects.to_dict(),
        "profile": model.profile and model.profile.to_dict(),
        "prior": model.prior.to_dict(),
        "reference": model.reference.to_dict(),
    }
    said = card_of(model) if card is None else card
    files = {
        **taken.files,
        "model.json": json.dumps(content, indent=1, sort_keys=True).encode(),
        CARD: json.dumps(said, indent=1).encode(),
        "card.md": card_text(said).encode(),
    }
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())}
    files[MANIFEST] = json.dumps({"format": FORMAT, "sha256": hashes}, indent=1).encode()
    for name, data in files.items():
        (folder / name).write_bytes(data)


def load(folder: Path, threads: int = 1, digest: str | None = None) -> Model:
    """Read a model back after checking every file against the manifest.

    Parameters
    ----------
    digest : str, optional
        What `bundle_digest` gave when the bundle was registered: then the manifest itself must be the same.

    Raises
    ------
    NoModel
        When the folder is no bundle, or was changed.
    """
    files = verified(folder, digest)
    content = json.loads(files["model.json"])
    if content.get("format") != FORMAT:
        raise NoModel(
            f"the bundle has format {content.get('format')}",
            needed=f"format {FORMAT}",
            do="train again with this release of Regulars, or load it with the one that trained it",
            code="RG071",
        )
    modules = tuple(Source(**source) for source in content["modules"])
    register_sources(modules)
    put = Put(files, threads)
    learnt = Learnt(
        # In the order in which they were asked: the first is the primary one.
        {int(o["days"]): put.outlook(o) for o in content["outlooks"]},
        put.timing(content["timing"]),
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
        profile=content["profile"] and Profile.from_dict(content["profile"]),
        begins={table: Cutoff.parse(day) for table, day in content["begins"].items()},
        currency=content["currency"],
    )


def card_in(folder: Path) -> dict[str, Any]:
    """The card of a bundle, after checking every file.

    Raises
    ------
    NoModel
        When the folder is no bundle, or was changed.
    """
    card = json.loads(verified(folder)[CARD])
    return dict(card)
