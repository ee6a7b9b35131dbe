"""A recorded recipe learnt again at days of the past, in a process of its own.

In: a recipe, a ledger, cutoffs. Out: its out-of-time predictions there, as a backtest gives them: everything is learnt
from what was known by each cutoff. The process runs the user's own modules as they were and ends with them; whatever
goes wrong in it is one sentence here. What it writes lies beside the configuration and is gone afterwards.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..clock import Cutoff
from ..config import Config
from ..disk.lock import job
from ..disk.whole import TEMPORARY, owners_files
from ..errors import DataError, RegularsError, unnamed
from ..intake import Ledger, build_ledger
from ..intake.ledger import folder_of, open_ledger
from .backtest import examine
from .files import replaced, strict_json
from .kept import prior_cache
from .prepare import prepare, span_of
from .recipe import TrainingRecipe, data_of

if TYPE_CHECKING:
    import pandas as pd

FOLDER = f"{TEMPORARY}refit-"
"""How the folders begin in which such processes work."""
_MODULE = "regulars.pipelines.refit"


def refit(
    recipe: TrainingRecipe, config: Config, cutoffs: Sequence[Cutoff], ledger: Ledger, threads: int | None = None
) -> pd.DataFrame:
    """Out-of-time predictions of a recipe at some days, worked out by a process of its own.

    Parameters
    ----------
    recipe : TrainingRecipe
    config : Config
        The present one: its folder, and the passwords that a recipe does not hold.
    cutoffs : sequence of Cutoff
        Days whose windows have closed.
    ledger : Ledger
        The present one, on disk; another is built where the recipe's [data] section is another.

    Raises
    ------
    DataError
        ``RG323`` when it could not be done, and why.
    Busy
        Another such process is at work here.
    """
    there = _ledger_of(recipe, config, ledger)
    regulars = config.folder / ".regulars"
    with job(regulars, "refit", "learning a recorded recipe again"):
        for left in regulars.glob(f"{FOLDER}*"):  # Of a process that was killed: nobody else is at it.
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=FOLDER, dir=regulars) as folder:
            request: dict[str, object] = {
                "recipe": recipe.to_dict(),
                "ledger": str(folder_of(there)),
                "cache": str(prior_cache(config, there)),
                "cutoffs": [str(c) for c in sorted(set(cutoffs))],
                "threads": threads or config.engine.threads,
            }
            return _asked(request, Path(folder))


def _ledger_of(recipe: TrainingRecipe, config: Config, ledger: Ledger) -> Ledger:
    """The ledger under the recipe's own [data] section."""
    return ledger if data_of(config) == recipe.resolved["data"] else build_ledger(recipe.reading(config))


def _asked(request: dict[str, object], folder: Path) -> pd.DataFrame:
    import pandas as pd

    asked, answer = folder / "request.json", folder / "predictions.parquet"
    replaced(asked, lambda waiting: waiting.write_text(strict_json(request), encoding="utf-8"))
    # Found as this process finds it, whatever the folder it was started in.
    known = os.pathsep.join(str(Path(p).resolve()) if p else str(Path.cwd()) for p in sys.path)
    done = subprocess.run(
        [sys.executable, "-m", _MODULE, str(asked), str(answer)],
        env={**os.environ, "PYTHONPATH": known},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode or not answer.exists():
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        how = f"its process was ended by signal {-done.returncode}" if done.returncode < 0 else unnamed(said)
        raise DataError(f"a recorded recipe could not be learnt again: {how}", code="RG323")
    return pd.read_parquet(answer)


def examined_at(ledger: Ledger, config: Config, cutoffs: Sequence[Cutoff], cache: Path | None = None) -> pd.DataFrame:
    """Out-of-time predictions at some days whose windows have closed, each learnt from what was known by then.

    Raises
    ------
    NotEnoughData
        When on one of the days nothing could be learnt yet.
    ConfigError
        When a window is not inside the ledger.
    """
    from ..models.splits import holdout

    span = span_of(ledger, config)
    chosen = tuple(holdout(span, cutoff) for cutoff in sorted(set(cutoffs)))
    return examine(prepare(ledger, config, chosen, cache), chosen, config).predictions


def _answer(request: Path, answer: Path) -> None:
    """What the process does."""
    asked = json.loads(request.read_text(encoding="utf-8"))
    recipe = TrainingRecipe.from_dict(asked["recipe"])
    like = Config.of(engine={"threads": asked["threads"]})
    modules = request.parent / "modules"
    with owners_files():
        config = recipe.config(like, modules)
        cutoffs = [Cutoff.parse(text) for text in asked["cutoffs"]]
        # A list of trials holds churn and value of each origin; those of the final model stand for any day.
        listed = recipe.repeated_trials
        trials = listed if isinstance(listed, int) else [*listed[-2:]] * len(cutoffs)
        tuning = config.tuning.model_copy(
            update={"trials": tuple(trials) if isinstance(trials, list) else trials, "seconds": None}
        )
        config = config.model_copy(update={"tuning": tuning})
        found = examined_at(open_ledger(Path(asked["ledger"])), config, cutoffs, Path(asked["cache"]))
    replaced(answer, lambda waiting: found.to_parquet(waiting, index=False))


def main(arguments: Sequence[str]) -> int:
    """Answer a request; an error is one line and an exit code."""
    try:
        _answer(*map(Path, arguments))
    except RegularsError as error:
        print(str(error), file=sys.stderr)
        return error.exit_code
    except Exception as error:  # The last door: texts of other people's errors may hold what no one should read.
        print(f"RG070: an internal error: {type(error).__name__}", file=sys.stderr)
        return 70
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
