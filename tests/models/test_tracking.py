"""The MLflow store: what a training leaves there, and that no customer is named in it."""

from __future__ import annotations

import errno
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from regulars import __version__
from regulars.clock import Cutoff
from regulars.config import Config
from regulars.errors import NoModel, RegularsError, StorageError
from regulars.models.answer import answer
from regulars.models.registry import Registry
from regulars.models.request import lines_of
from regulars.models.seal import bundle_digest, seal_of
from regulars.models.tracking import Store
from regulars.models.trials import Trial
from regulars.models.versions import Registered
from regulars.pipelines.kept import predictions_file
from regulars.pipelines.register import register

from ..clean import PYTHON, environment
from ..simulated import PLANTED, config_of, purchases, shop, trained


@dataclass(frozen=True)
class Kept:
    """A store into which the shop's training was registered once."""

    config: Config
    registry: Registry
    registered: Registered
    run: Any

    @property
    def store(self) -> Store:
        return self.registry.store

    @property
    def client(self) -> Any:
        return self.store.client()

    def model_folder(self) -> Path:
        """Where the registered model lies."""
        source = self.client.get_model_version("regulars", "1").source
        model = self.client.get_logged_model(source.removeprefix("models:/"))
        return Path(str(model.artifact_location).removeprefix("file://"))


def config_in(folder: Path) -> Config:
    uri = f"sqlite:///{folder}/mlruns/mlflow.db"
    return config_of(mlflow={"tracking_uri": uri}).model_copy(update={"folder": folder})


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    config = config_in(tmp_path_factory.mktemp("store"))
    registered = register(shop(), config, trained())
    registry = Registry.of(config)
    return Kept(config, registry, registered, registry.store.client().get_run(registered.run_id))


@pytest.fixture
def _restored_path() -> Iterator[None]:
    """Loading an MLflow model puts its code in front of the path."""
    before = list(sys.path)
    yield
    sys.path[:] = before


def test_the_run_is_finished_and_named_after_the_day(kept: Kept) -> None:
    assert kept.run.info.status == "FINISHED"
    assert kept.run.info.run_name == f"train {shop().ends}"
    assert kept.client.get_experiment(kept.run.info.experiment_id).name == "regulars"


def test_the_run_tells_the_parameters(kept: Kept) -> None:
    found = trained()
    assert kept.run.data.params == {
        "horizon_days": "30",
        "trained_horizon_days": "30",
        # The shop's customers do what Pareto/NBD says, and they are few.
        "churn.grade": "C",
        "value.grade": "C",
        "churn.speaker": "pareto_nbd",
        "value.speaker": "pareto_nbd",
        "trained_on": str(shop().ends),
        "history_starts": "2023-01-02",
        "training_cutoffs": str(len(found.trained_cutoffs)),
        "training_rows": str(found.n_rows),
        "features": str(len(found.prepared.plan.names)),
        "seed": "0",
        "active_within_days": "None",
        "label_lag_days": "0",
        "tuning.trials": "[1, 1, 1, 1]",
        "churn.members": "plain, rich, seeded",
        "value.members": "plain, rich, seeded",
    }


def test_the_run_and_the_version_carry_the_fingerprint_of_the_data(kept: Kept) -> None:
    manifest = shop().manifest
    frame = purchases()
    tags = {
        "data.fingerprint": manifest.fingerprint,
        "data.lines": str(len(frame)),
        "data.money": manifest.money["used"],
        "data.first_day": manifest.first_day,
        "data.last_day": manifest.last_day,
        "data.customers": str(frame["customer_id"].nunique()),
    }
    assert float(manifest.money["used"]) == pytest.approx(frame["amount"].sum(), abs=1e-6)
    assert tags.items() <= kept.run.data.tags.items()
    version = kept.client.get_model_version("regulars", "1")
    log_loss = trained().backtest.figures["pooled"]["churn"]["regulars"]["log_loss"]
    found = {**tags, "backtest.log_loss": str(log_loss), "grade.churn": "C", "grade.value": "C"}
    found |= {"trained_on": str(shop().ends), "regulars": __version__}
    found |= {"seal": seal_of(kept.model_folder()), "bundle": bundle_digest(kept.model_folder() / "artifacts/bundle")}
    assert version.tags == found


def test_every_defined_figure_of_every_model_is_a_metric_per_origin_and_pooled(kept: Kept) -> None:
    figures, metrics = trained().backtest.figures, kept.run.data.metrics
    meant = {}
    for prefix, part in (("", figures["origins"][-1]), ("pooled_", figures["pooled"])):
        for kind in ("churn", "value", "money"):
            for model, found in part[kind].items():
                for name, value in found.items():
                    if name not in ("ci", "over") and value is not None:
                        meant[f"{prefix}{kind}.{model}.{name}"] = value
    # Six figures of churn, eight of spend and five of money for each model; those of money also for two yardsticks.
    assert len(meant) == 2 * (5 * (6 + 8 + 5) + 2 * 5)
    assert metrics == pytest.approx(meant, rel=1e-12)


def test_origins_are_the_steps_of_a_metric_and_what_is_undefined_is_no_metric(kept: Kept) -> None:
    def part(log_loss: float | None) -> dict[str, Any]:
        figures = {"log_loss": log_loss, "auc": None, "ci": {"log_loss": [0.1, 0.2]}}
        return {"cutoff": "2024-01-01", "n": 5, "churn": {"naive": figures}, "value": {}}

    backtest = {"origins": [part(0.5), part(None), part(0.25)], "pooled": part(0.375)}
    with kept.store.run("by hand") as run_id:
        kept.store.log(run_id, {"p": 1}, {"t": "x"}, backtest, {"a.json": {"b": None}}, {})
    history = kept.client.get_metric_history(run_id, "churn.naive.log_loss")
    assert [(m.step, m.value) for m in history] == [(0, 0.5), (2, 0.25)]
    assert set(kept.client.get_run(run_id).data.metrics) == {"churn.naive.log_loss", "pooled_churn.naive.log_loss"}


def test_tables_and_pictures_lie_beside_the_run(kept: Kept) -> None:
    files = {f.path for f in kept.client.list_artifacts(kept.registered.run_id)}
    assert files == {"backtest.json", "features.json", "trials.json", "priors.json", "recipe.json", "figures"}
    pictures = {f.path for f in kept.client.list_artifacts(kept.registered.run_id, "figures")}
    assert pictures == {"figures/calibration.svg", "figures/gain.svg"}
    assert kept.store.table(kept.registered.run_id, "backtest.json") == trained().backtest.figures
    assert kept.store.table(kept.registered.run_id, "features.json") == {"features": trained().features}
    # One prior for each training cutoff, the origin and the day one stands on.
    days = {*trained().trained_cutoffs, shop().ends, Cutoff.parse(trained().backtest.figures["origins"][0]["cutoff"])}
    assert set(kept.store.table(kept.registered.run_id, "priors.json")) == {str(d) for d in days}


def test_artifacts_and_database_lie_together_and_nothing_is_pickled(kept: Kept) -> None:
    root = kept.config.folder / "mlruns"
    assert {p.name for p in root.iterdir()} == {"mlflow.db", "artifacts"}
    assert kept.model_folder().is_relative_to(root / "artifacts")
    # A folder named by digits under mlruns/ would turn MLflow's default back to the file store.
    assert not [p for p in root.iterdir() if p.name.isdigit()]
    suffixes = {p.suffix for p in root.rglob("*") if p.is_file()}
    assert not suffixes & {".pkl", ".pickle", ".joblib", ".cloudpickle", ".pt"}
    assert "python_model" not in (kept.model_folder() / "MLmodel").read_text().replace("python_model:", "")


def test_no_customer_is_named_anywhere_in_the_store(kept: Kept) -> None:
    root = kept.config.folder / "mlruns"
    named = [str(p) for p in root.rglob("*") if p.is_file() and PLANTED.encode() in p.read_bytes()]
    assert named == []
    # The out-of-time predictions do name them; they are kept beside the configuration instead.
    beside = predictions_file(kept.config, kept.registered.run_id)
    assert not beside.is_relative_to(root)
    assert pd.read_parquet(beside)["customer_id"].str.startswith(PLANTED).all()


def history() -> pd.DataFrame:
    """What a caller sends: the purchases of thirty customers."""
    frame = purchases()
    some = sorted(frame["customer_id"].unique())[:30]
    return frame[frame["customer_id"].isin(some)].reset_index(drop=True)


def meant(as_of: str | None = None) -> pd.DataFrame:
    """The scores of `history`, straight from the model."""
    model = trained().model
    day = model.trained_on if as_of is None else Cutoff.parse(as_of)
    return model.scores_of(lines_of(history(), model.shape.columns, model.rules), day)


def test_the_stored_model_has_a_signature_written_by_hand(kept: Kept) -> None:
    from mlflow.models import Model

    signature = Model.load(str(kept.model_folder())).signature
    assert signature is not None
    inputs = {c.name: (c.type.name, c.required) for c in signature.inputs}
    assert inputs == {
        "customer_id": ("string", True),
        "purchased_at": ("string", True),
        "amount": ("double", True),
        "order_id": ("string", False),
        "known_at": ("string", False),
        "quantity": ("double", True),
        "product_id": ("string", True),
        "category": ("string", True),
        "discount": ("double", True),
    }
    assert [c.name for c in signature.outputs] == meant().columns.tolist()
    params = {p.name: (p.dtype.name, p.default) for p in signature.params.params}
    assert params == {
        "as_of": ("string", str(trained().model.trained_on)),
        "horizons": ("string", ""),
        "reasons": ("boolean", False),
        "offers": ("boolean", False),
    }


@pytest.mark.usefixtures("_restored_path")
def test_the_served_model_answers_purchases_with_the_same_bits(kept: Kept) -> None:
    import mlflow

    loaded = mlflow.pyfunc.load_model(str(kept.model_folder()))
    pd.testing.assert_frame_equal(loaded.predict(history()), meant(), check_exact=True)
    later = str(shop().ends.plus(10))
    answered = loaded.predict(history(), params={"as_of": later})
    pd.testing.assert_frame_equal(answered, meant(later), check_exact=True)
    assert set(answered["as_of"]) == {later}
    for bad in (history().drop(columns="amount"), history().assign(amount="12.5"), history().assign(amount=True)):
        with pytest.raises(mlflow.exceptions.MlflowException):
            loaded.predict(bad)
    with pytest.raises(RegularsError, match="row 0"):
        loaded.predict(history().assign(customer_id=None))
    with pytest.raises(RegularsError, match="not a date"):
        loaded.predict(history(), params={"as_of": "tomorrow"})
    asked = {"as_of": later, "horizons": "30", "reasons": True}
    told = answer(trained().model, history(), asked)
    pd.testing.assert_frame_equal(loaded.predict(history(), params=asked), told, check_exact=True)
    assert told["p_churn_30d"].equals(told["p_churn"])
    assert (told["reasons"] != "").all()
    with pytest.raises(RegularsError, match="holds no offers"):
        loaded.predict(history(), params={"offers": True})
    with pytest.raises(mlflow.exceptions.MlflowException, match="boolean"):
        loaded.predict(history(), params={"reasons": "yes"})


ALONE = """
import json, sys
import mlflow.pyfunc, pandas as pd
loaded = mlflow.pyfunc.load_model(sys.argv[1])
found = loaded.predict(pd.read_json(sys.argv[2], dtype=False, convert_dates=False))
where = sorted({str(m.__file__) for n, m in sys.modules.items() if n.split(".")[0] == "regulars"})
p, ids = [p.hex() for p in found["p_churn"]], list(found["customer_id"])
print(json.dumps({"where": where, "p": p, "ids": ids}))
"""


def test_the_model_answers_where_nothing_is_installed_but_what_it_asks_for(kept: Kept, tmp_path: Path) -> None:
    # A process of its own, in which there is no Regulars but the code beside the model, and pickles are refused.
    history().to_json(tmp_path / "history.json", orient="records")
    libraries = (kept.model_folder() / "requirements.txt").read_text(encoding="utf-8").splitlines()
    done = subprocess.run(
        [*PYTHON, "-c", ALONE, str(kept.model_folder()), str(tmp_path / "history.json")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment(tmp_path / "installed", libraries),
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    said = json.loads(done.stdout.splitlines()[-1])
    assert all(Path(place).is_relative_to(kept.model_folder()) for place in said["where"])
    assert said["ids"] == meant()["customer_id"].tolist()
    assert said["p"] == [p.hex() for p in meant()["p_churn"]]


@pytest.mark.usefixtures("_restored_path")
def test_mlflow_by_itself_cannot_load_a_bundle_that_was_changed(kept: Kept, tmp_path: Path) -> None:
    import mlflow

    folder = Path(shutil.copytree(kept.model_folder(), tmp_path / "model"))
    booster = folder / "artifacts" / "bundle" / "churn_30_rich.ubj"
    booster.write_bytes(booster.read_bytes()[:-1] + b"?")
    with pytest.raises(NoModel, match=r"was changed.*churn_30_rich"):
        mlflow.pyfunc.load_model(str(folder))


def test_a_model_stored_without_a_signature_is_never_registered(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    import mlflow

    before = len(kept.registry.versions("regulars"))
    monkeypatch.setattr(mlflow.models.Model, "load", lambda _: SimpleNamespace(signature=None))
    with pytest.raises(RegularsError, match="without its signature"), kept.store.run("unsigned") as run_id:
        kept.registry.register(trained().model, run_id, "regulars", {})
    assert kept.client.get_run(run_id).info.status == "FAILED"
    assert len(kept.registry.versions("regulars")) == before


def test_a_run_tells_which_process_makes_it(kept: Kept) -> None:
    tags = kept.run.data.tags
    assert (tags["host"], tags["pid"]) == (platform.node(), str(os.getpid()))
    assert tags["boot"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def test_a_disk_that_is_full_while_a_run_is_made_is_told_with_its_place(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(mlflow.MlflowClient, "log_dict", full)
    with pytest.raises(StorageError, match="No space left on device") as refused, kept.store.run("full") as run_id:
        kept.store.log(run_id, {}, {}, {"origins": [], "pooled": {}}, {"a.json": {}}, {})
    assert refused.value.exit_code == 74
    assert f"{kept.config.folder}/mlruns/mlflow.db" in str(refused.value)
    assert "bytes free" in str(refused.value)
    assert kept.client.get_run(run_id).info.status == "FAILED"


def test_what_a_run_does_not_have_is_none(kept: Kept) -> None:
    assert kept.store.table(kept.registered.run_id, "nothing.json") is None


def test_a_password_of_the_stores_address_is_shown_nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("THE_PASSWORD", "p@ss word")
    # A port on which nobody listens: 1 is reserved.
    store = Store("postgresql://ann:${THE_PASSWORD}@127.0.0.1:1/mlflow", tmp_path)
    with pytest.raises(StorageError, match="cannot be reached") as refused:
        store.exists()
    assert "p@ss" not in str(refused.value)
    assert "p%40ss" not in str(refused.value)
    assert store.shown == "postgresql://ann:${THE_PASSWORD}@127.0.0.1:1/mlflow"
    assert "p@ss" not in repr(store.address)
    assert list(tmp_path.iterdir()) == []


def test_pruned_trials_count_among_the_finished_because_their_number_repeats_the_study(kept: Kept) -> None:
    # `tuning.trials = 3` would repeat a study of two complete trials and a pruned one; 2 would not.
    table = tuple(Trial(i, s, 0.5, 9, {"max_depth": 4.0}) for i, s in enumerate(("COMPLETE", "PRUNED", "COMPLETE")))
    found = trained()
    searched = replace(found, fitted=replace(found.fitted, trials={"churn": table, "value": table[:1]}))
    mlflow = kept.config.mlflow.model_copy(update={"model_name": "searched"})
    registered = register(shop(), kept.config.model_copy(update={"mlflow": mlflow}), searched)
    assert registered.name == "searched"
    params = kept.client.get_run(registered.run_id).data.params
    assert params["tuning.trials"] == "[1, 1, 3, 1]"  # the origin's two studies, then the final model's


def test_all_trials_are_one_table_of_mlflows_own_kind(kept: Kept) -> None:
    table = trained().trials()
    experiment, runs = kept.run.info.experiment_id, [kept.registered.run_id]
    again = kept.client.load_table(experiment, "trials.json", runs)
    pd.testing.assert_frame_equal(again, table, check_dtype=False)
    origin = trained().backtest.figures["origins"][0]["cutoff"]
    assert list(zip(table["origin"], table["target"], strict=True)) == [
        (day, target) for day in (origin, "final") for target in ("churn", "value")
    ]
    assert "mlflow.loggedArtifacts" in kept.client.get_run(kept.registered.run_id).data.tags


def test_everything_in_the_store_is_for_its_owner_alone(kept: Kept) -> None:
    folder = kept.store.folder
    assert folder is not None
    # The database, its folder, and every artifact: those that MLflow wrote and those that it copied.
    # What Python compiles when the model is served comes later, and lies inside.
    found = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if "__pycache__" not in str(p)}
    assert {"mlflow.db", "artifacts"} <= set(found)
    assert any(name.endswith("served.py") for name in found)
    rights = {name: path.stat().st_mode & 0o777 for name, path in [(".", folder), *found.items()]}
    meant = {name: 0o700 if path.is_dir() else 0o600 for name, path in [(".", folder), *found.items()]}
    assert rights == meant
    # One that was open to others is closed by the next training.
    database = folder / "mlflow.db"
    database.chmod(0o644)
    with pytest.raises(RuntimeError), kept.store.run("another"):
        raise RuntimeError
    assert database.stat().st_mode & 0o777 == 0o600
