"""The MLflow store: what a training leaves there, who is champion and when, and that no customer is named in it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from regulars.clock import Cutoff
from regulars.config import Config
from regulars.errors import NoModel, RegularsError
from regulars.models.request import lines_of
from regulars.models.tracking import Registered, Store
from regulars.models.trials import Trial
from regulars.pipelines.score import score
from regulars.pipelines.train import predictions_file, register

from ..simulated import PLANTED, config_of, purchases, shop, trained


@dataclass(frozen=True)
class Kept:
    """A store into which the shop's training was registered once."""

    config: Config
    store: Store
    registered: Registered
    run: Any

    @property
    def client(self) -> Any:
        return self.store._client()

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
    store = Store(config.tracking_uri)
    return Kept(config, store, registered, store._client().get_run(registered.run_id))


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
    assert version.tags == {**tags, "backtest.log_loss": str(log_loss)}


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
    assert files == {"backtest.json", "features.json", "trials.json", "priors.json", "figures"}
    pictures = {f.path for f in kept.client.list_artifacts(kept.registered.run_id, "figures")}
    assert pictures == {"figures/calibration.svg", "figures/gain.svg"}
    assert kept.store.table(kept.registered, "backtest.json") == trained().backtest.figures
    assert kept.store.table(kept.registered, "features.json") == {"features": trained().features}
    # One prior for each training cutoff, the origin and the day one stands on.
    days = {*trained().trained_cutoffs, shop().ends, Cutoff.parse(trained().backtest.figures["origins"][0]["cutoff"])}
    assert set(kept.store.table(kept.registered, "priors.json")) == {str(d) for d in days}


def test_version_one_is_the_champion_and_gives_the_model_back_to_the_bit(kept: Kept) -> None:
    assert kept.registered == Registered("regulars", "1", kept.run.info.run_id)
    assert kept.registered.uri == "models:/regulars@champion"
    model, registered = kept.store.champion("regulars")
    assert registered == kept.registered
    pd.testing.assert_frame_equal(
        score(shop(), model, threads=1), score(shop(), trained().model, threads=1), check_exact=True
    )


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
        "quantity": ("double", True),
        "product_id": ("string", True),
        "category": ("string", True),
        "discount": ("double", True),
    }
    assert [c.name for c in signature.outputs] == meant().columns.tolist()
    assert signature.params.params[0].name == "as_of"


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


ALONE = """
import json, sys
import mlflow.pyfunc, pandas as pd
loaded = mlflow.pyfunc.load_model(sys.argv[1])
found = loaded.predict(pd.read_json(sys.argv[2], dtype=False, convert_dates=False))
import regulars
p, ids = [p.hex() for p in found["p_churn"]], list(found["customer_id"])
print(json.dumps({"where": regulars.__file__, "p": p, "ids": ids}))
"""


def test_the_bundle_carries_the_code_that_serves_it(kept: Kept, tmp_path: Path) -> None:
    # A process of its own, in a folder of its own: the code beside the model is what answers, and pickles are refused.
    history().to_json(tmp_path / "history.json", orient="records")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ALONE, str(kept.model_folder()), str(tmp_path / "history.json")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={
            "PATH": "/usr/bin:/bin",
            "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "OMP_NUM_THREADS": "1",
            "OMP_WAIT_POLICY": "passive",
        },
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    said = json.loads(done.stdout.splitlines()[-1])
    assert Path(said["where"]).is_relative_to(kept.model_folder())
    assert said["ids"] == meant()["customer_id"].tolist()
    assert said["p"] == [p.hex() for p in meant()["p_churn"]]


def test_an_alias_that_cannot_be_moved_leaves_the_old_champion_and_a_failed_run(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    def refuse(*_: object) -> None:
        raise mlflow.exceptions.MlflowException("the alias could not be moved")

    def unlucky() -> str:
        with monkeypatch.context() as patch:
            patch.setattr(mlflow.MlflowClient, "set_registered_model_alias", refuse)
            with (
                pytest.raises(mlflow.exceptions.MlflowException, match="could not be moved"),
                kept.store.run("unlucky") as run_id,
            ):
                kept.store.register(trained().model, run_id, "unlucky", {})
        return str(kept.client.get_run(run_id).info.status)

    assert unlucky() == "FAILED"
    # The version is there, but nobody who asks for the champion gets it.
    assert [str(v.version) for v in kept.client.search_model_versions("name='unlucky'")] == ["1"]
    with pytest.raises(NoModel, match="no champion of `unlucky`"):
        kept.store.champion("unlucky")
    with kept.store.run("lucky") as run_id:
        kept.store.register(trained().model, run_id, "unlucky", {})
    assert kept.store.champion("unlucky")[1] == Registered("unlucky", "2", run_id)
    assert unlucky() == "FAILED"
    assert kept.store.champion("unlucky")[1].version == "2"


def test_a_model_stored_without_a_signature_is_never_registered(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    import mlflow

    monkeypatch.setattr(
        mlflow.pyfunc, "log_model", lambda **_: SimpleNamespace(signature=None, model_uri="models:/none")
    )
    before = len(kept.client.search_model_versions("name='regulars'"))
    with pytest.raises(RegularsError, match="without a signature"), kept.store.run("unsigned") as run_id:
        kept.store.register(trained().model, run_id, "regulars", {})
    assert kept.client.get_run(run_id).info.status == "FAILED"
    assert len(kept.client.search_model_versions("name='regulars'")) == before


def test_a_store_that_is_not_there_has_no_champion_and_is_not_made_by_asking(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/mlruns/mlflow.db")
    with pytest.raises(NoModel, match="no model store") as refused:
        store.champion("regulars")
    assert refused.value.exit_code == 6
    assert not (tmp_path / "mlruns").exists()


def test_another_name_has_no_champion(kept: Kept) -> None:
    with pytest.raises(NoModel, match="no champion of `others`"):
        kept.store.champion("others")


def test_a_champion_whose_files_were_changed_is_refused(kept: Kept) -> None:
    root = kept.config.folder / "mlruns"
    before = set(root.rglob("bundle/churn_30_rich.ubj"))
    with kept.store.run("spoilt") as run_id:
        kept.store.register(trained().model, run_id, "spoilt", {})
    (file,) = set(root.rglob("bundle/churn_30_rich.ubj")) - before
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    with pytest.raises(NoModel, match=r"was changed.*churn_30_rich"):
        kept.store.champion("spoilt")
    assert kept.store.champion("regulars")[1] == kept.registered


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
