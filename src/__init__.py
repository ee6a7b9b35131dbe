"""Regulars: who is about to leave, what is each worth, which offer pays for itself, and did it?

>>> import regulars
>>> config = regulars.Config.of(customer_id="id", purchased_at="when", amount="money", horizon_days=30)

Public names are imported when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .config import Config as Config
    from .errors import RegularsError as RegularsError
    from .features.family import NOT_COVERED as NOT_COVERED
    from .features.family import Feature as Feature
    from .features.family import catalogue as catalogue
    from .features.family import family as family
    from .features.past import ratio as ratio
    from .intake import Ledger as Ledger
    from .intake import build_ledger as build_ledger
    from .models.bg_nbd import BgNbd as BgNbd
    from .models.estimator import ChurnClassifier as ChurnClassifier
    from .models.gamma_gamma import GammaGamma as GammaGamma
    from .models.pareto_nbd import ParetoNbd as ParetoNbd
    from .models.summary import Summary as Summary
    from .pipelines.backtest import run_backtest as backtest
    from .pipelines.explain import explain as explain
    from .pipelines.features import features as compute_features
    from .pipelines.score import score as score
    from .pipelines.train import fit_model as fit
    from .serving.client import Client as Client
    from .simulation.simulate import simulate as simulate

_HOMES = {
    "BgNbd": ("models.bg_nbd", "BgNbd"),
    "GammaGamma": ("models.gamma_gamma", "GammaGamma"),
    "ParetoNbd": ("models.pareto_nbd", "ParetoNbd"),
    "Summary": ("models.summary", "Summary"),
    "ChurnClassifier": ("models.estimator", "ChurnClassifier"),
    "Config": ("config", "Config"),
    "RegularsError": ("errors", "RegularsError"),
    "NOT_COVERED": ("features.family", "NOT_COVERED"),
    "Feature": ("features.family", "Feature"),
    "catalogue": ("features.family", "catalogue"),
    "family": ("features.family", "family"),
    "ratio": ("features.past", "ratio"),
    "Ledger": ("intake", "Ledger"),
    "build_ledger": ("intake", "build_ledger"),
    "backtest": ("pipelines.backtest", "run_backtest"),
    "compute_features": ("pipelines.features", "features"),
    "explain": ("pipelines.explain", "explain"),
    "score": ("pipelines.score", "score"),
    "fit": ("pipelines.train", "fit_model"),
    "Client": ("serving.client", "Client"),
    "simulate": ("simulation.simulate", "simulate"),
}

__all__ = [
    "NOT_COVERED",
    "BgNbd",
    "ChurnClassifier",
    "Client",
    "Config",
    "Feature",
    "GammaGamma",
    "Ledger",
    "ParetoNbd",
    "RegularsError",
    "Summary",
    "__version__",
    "backtest",
    "build_ledger",
    "catalogue",
    "compute_features",
    "explain",
    "family",
    "fit",
    "ratio",
    "score",
    "simulate",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(import_module(f".{module}", __name__), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
