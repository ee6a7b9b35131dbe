"""The settings: what is filled in, what is refused and in which words."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from regulars.config import Config
from regulars.errors import ConfigError

LEAST = """
[data.purchases]
path = "orders.csv"
customer_id = "who"
purchased_at = "when"
amount = "paid"
"""


def _load(folder: Path, text: str) -> Config:
    file = folder / "regulars.toml"
    file.write_text(text, encoding="utf-8")
    return Config.load(file)


def _refused(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        _load(folder, text)
    assert "regulars.toml" in str(caught.value)
    return str(caught.value)


def test_four_lines_are_enough(tmp_path: Path) -> None:
    config = _load(tmp_path, LEAST)
    assert config.target.horizon_days == (90,)
    assert config.target.primary == 90
    assert config.target.active_within_days is None
    assert (config.data.timezone, config.zone.name) == ("UTC", "UTC")
    assert (config.data.purchases.returns, config.data.purchases.duplicates) == ("net", "overlap")
    assert config.panel.step(config.target.primary) == 30
    assert config.seed == 0


def test_reading_a_configuration_creates_nothing(tmp_path: Path) -> None:
    _ = _load(tmp_path, LEAST).tracking_uri
    assert [p.name for p in tmp_path.iterdir()] == ["regulars.toml"]


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    config = _load(tmp_path, LEAST)
    with pytest.raises(ValidationError, match="frozen"):
        config.seed = 3


@pytest.mark.parametrize(("written", "meant"), [("30", (30,)), ("[30]", (30,)), ("[90, 30, 180]", (90, 30, 180))])
def test_a_horizon_is_one_number_or_a_list_whose_first_is_primary(
    tmp_path: Path, written: str, meant: tuple[int, ...]
) -> None:
    config = _load(tmp_path, LEAST + f"[target]\nhorizon_days = {written}\n")
    assert config.target.horizon_days == meant
    assert config.target.primary == meant[0]


@pytest.mark.parametrize("written", ["0", "-1", "[]", "[90, 0]", '"90"', "1.5", "true", "[true]"])
def test_a_horizon_is_a_number_of_days(tmp_path: Path, written: str) -> None:
    assert "horizon_days" in _refused(tmp_path, LEAST + f"[target]\nhorizon_days = {written}\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            LEAST + "[target]\nhorizn_days = 30\n",
            "RG014: unknown key `target.horizn_days`.*did you mean `horizon_days`",
        ),
        (LEAST + "amout = 'x'\n", "RG014: unknown key `data.purchases.amout`.*did you mean `amount`"),
        (LEAST + "[traget]\n", "RG014: unknown key `traget`.*did you mean `target`"),
        (LEAST + "[data]\ntime_zone = 'UTC'\n", "RG014: unknown key `data.time_zone`.*did you mean `timezone`"),
        (LEAST + "[mlflow]\nuri = 'x'\n", "RG014: unknown key `mlflow.uri`"),
        (LEAST + "[panel]\nzzz = 1\n", "RG014: unknown key `panel.zzz`.*known names are `every_days`"),
        ("folder = 'x'\n" + LEAST, "RG014: unknown key `folder`"),
    ],
)
def test_an_unknown_key_is_told_the_nearest_name(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        _load(tmp_path, text)
    assert caught.value.exit_code == 2


def test_a_missing_key_is_explained(tmp_path: Path) -> None:
    said = _refused(tmp_path, "[data.purchases]\npath = 'x.csv'\ncustomer_id = 'who'\namount = 'paid'\n")
    assert "RG015: `data.purchases.purchased_at` is missing" in said
    assert "column of the time of purchase" in said
    assert "`data` is missing" in _refused(tmp_path, "seed = 1\n")


def test_several_mistakes_are_counted(tmp_path: Path) -> None:
    said = _refused(tmp_path, LEAST + "[target]\nhorizn = 1\n[tuning]\ntrials = -1\n")
    assert "and 1 more: " in said


@pytest.mark.parametrize(
    ("purchases", "said"),
    [
        ("path = 'a.csv'\nurl = 'sqlite:///a.db'\ntable = 't'\namount = 'x'", "`path` or `url`, not both"),
        ("url = 'sqlite:///a.db'\namount = 'x'", "`url` and `table` go together"),
        ("table = 't'\npath = 'a.csv'\namount = 'x'", "`url` and `table` go together"),
        ("path = 'a.csv'", "`amount`, or both `quantity` and `unit_price`"),
        ("path = 'a.csv'\nquantity = 'n'", "`amount`, or both `quantity` and `unit_price`"),
        ("path = 'a.csv'\namount = 'x'\nunit_price = 'p'", "`unit_price` does nothing beside `amount`"),
        ("path = 'a.csv'\namount = 'x'\nnaive_timezone = 'Europe/Berln'", "did you mean `Europe/Berlin`"),
        ("path = 'a.csv'\namount = 'x'\nreturns = 'nett'", "'net', 'separate' or 'drop'"),
        ("path = 'a.csv'\namount = 'x'\nmax_bad_share = 1.5", "less than or equal to 1"),
    ],
)
def test_settings_that_contradict_each_other_or_do_nothing_are_refused(
    tmp_path: Path, purchases: str, said: str
) -> None:
    text = f"[data.purchases]\ncustomer_id = 'who'\npurchased_at = 'when'\n{purchases}\n"
    message = _refused(tmp_path, text)
    assert "RG016" in message
    assert said in message


def test_an_unknown_business_zone_is_refused(tmp_path: Path) -> None:
    assert "unknown time zone `Europe/Nowhere`" in _refused(tmp_path, "[data]\ntimezone = 'Europe/Nowhere'\n" + LEAST)


@pytest.mark.parametrize("written", ["2017-01-01", '"2017-01-01"'])
def test_a_date_is_written_as_a_date_or_as_text(tmp_path: Path, written: str) -> None:
    config = _load(tmp_path, f"[data]\nhistory_starts = {written}\n" + LEAST)
    assert config.data.history_starts == "2017-01-01"


@pytest.mark.parametrize("written", ["20170101", '"01.01.2017"', "2017-01-01T10:00:00", "true", '"2017-W01-1"'])
def test_anything_but_a_date_is_no_date(tmp_path: Path, written: str) -> None:
    assert "YYYY-MM-DD" in _refused(tmp_path, f"[data]\nhistory_starts = {written}\n" + LEAST)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (None, "sqlite:///{folder}/mlruns/mlflow.db"),
        ("sqlite:///store/runs.db", "sqlite:///{folder}/store/runs.db"),
        ("sqlite:///../runs.db", "sqlite:///{parent}/runs.db"),
        ("sqlite:////srv/mlflow.db", "sqlite:////srv/mlflow.db"),
        ("https://mlflow.example.org", "https://mlflow.example.org"),
    ],
)
def test_the_tracking_store_is_found_from_the_files_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str | None, expected: str
) -> None:
    folder, elsewhere = tmp_path / "job", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    config = _load(folder, LEAST + (f"[mlflow]\ntracking_uri = '{written}'\n" if written else ""))
    assert config.tracking_uri == expected.format(folder=folder.resolve(), parent=tmp_path.resolve())


def test_a_relative_path_of_the_file_is_relative_to_where_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _load(tmp_path, LEAST)
    monkeypatch.chdir(tmp_path)
    assert Config.load("regulars.toml").folder == tmp_path.resolve()


@pytest.mark.parametrize("text", ["[data", "a = = 1", "[data.purchases]\ncustomer_id = who\n"])
def test_something_else_than_toml_is_named_so(tmp_path: Path, text: str) -> None:
    assert "RG013" in _refused(tmp_path, text)
    assert "is not TOML" in _refused(tmp_path, text)


def test_a_file_that_is_not_there_or_is_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"RG013: there is no file .*none.toml"):
        Config.load(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="RG013"):
        Config.load(tmp_path)


def test_a_file_in_another_encoding_is_refused_not_guessed(tmp_path: Path) -> None:
    file = tmp_path / "regulars.toml"
    file.write_bytes(LEAST.replace("paid", "größe").encode("latin-1"))
    with pytest.raises(ConfigError, match="RG013"):
        Config.load(file)


def test_the_same_from_a_notebook() -> None:
    config = Config.of(
        customer_id="id",
        purchased_at="when",
        horizon_days=[30, 90],
        timezone="Europe/Berlin",
        purchases={"quantity": "n", "unit_price": "price"},
        target={"active_within_days": 365},
        seed=7,
    )
    assert config.target.horizon_days == (30, 90)
    assert (config.target.active_within_days, config.seed, config.zone.name) == (365, 7, "Europe/Berlin")
    assert config.data.purchases.amount is None
    assert config.folder == Path.cwd()


def test_a_notebooks_mistakes_are_told_alike() -> None:
    with pytest.raises(
        ConfigError, match=r"RG014: unknown key `tuning.trails` in the arguments.*did you mean `trials`"
    ):
        Config.of(tuning={"trails": 3})
    with pytest.raises(ConfigError, match="RG014: unknown key `sed`"):
        Config.of(sed=3)


@pytest.mark.parametrize("section", ["data", "target"])
def test_a_section_that_is_not_a_table_is_refused_not_dropped(section: str) -> None:
    with pytest.raises(ConfigError):
        Config.of(**{section: 5})


@pytest.mark.parametrize("memory", ["2GB", "512 MB", "1.5GiB"])
def test_memory_is_a_size(memory: str) -> None:
    assert Config.of(engine={"memory": memory}).engine.memory == memory


@pytest.mark.parametrize("memory", ["2", "lots", "2GB; drop table x", "-1GB"])
def test_memory_is_nothing_else(memory: str) -> None:
    with pytest.raises(ConfigError, match=r"engine\.memory"):
        Config.of(engine={"memory": memory})


@pytest.mark.parametrize("name", ["../x", "a b", "", "x/y"])
def test_a_models_name_is_no_path(name: str) -> None:
    with pytest.raises(ConfigError, match=r"mlflow\.model_name"):
        Config.of(mlflow={"model_name": name})


def test_editors_get_a_schema_that_names_every_section() -> None:
    properties = Config.model_json_schema()["properties"]
    assert {"data", "target", "panel", "backtest", "tuning", "mlflow", "engine", "seed"} <= set(properties)


EVENTS = """
[data.events]
path = "events.csv"
customer_id = "who"
occurred_at = "when"
all_of_kind = "visit"
"""


def test_features_are_the_default_ones_unless_said_otherwise(tmp_path: Path) -> None:
    features = _load(tmp_path, LEAST).features
    assert (features.modules, features.on, features.off, features.holidays) == ((), (), (), ())
    assert (features.company_events, features.points_expire_days) == (False, None)


def test_features_are_told_by_file_name_and_date(tmp_path: Path) -> None:
    features = _load(
        tmp_path,
        LEAST + '[features]\nmodules = ["mine.py"]\non = ["season"]\noff = ["basket"]\n'
        'holidays = ["2024-12-25", 2025-12-25]\n',
    ).features
    assert (features.modules, features.on, features.off) == (("mine.py",), ("season",), ("basket",))
    assert features.holidays == ("2024-12-25", "2025-12-25")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('holidays = ["2024-12-25"]', "does nothing while the family `season` is off"),
        ('on = ["season"]\nholidays = ["25.12.2024"]', "YYYY-MM-DD"),
        ('on = ["season"]\nholidays = ["2024-12-25", 2024-12-25]', "`holidays` names `2024-12-25` twice"),
        ('on = ["season"]\noff = ["season"]', "`season` is both on and off"),
        ('modules = ["a.py", "a.py"]', "`modules` names `a.py` twice"),
        ("company_events = true", "`features.company_events` does nothing: there is no [data.events]"),
        ("points_expire_days = 365", "`features.points_expire_days` does nothing"),
        ("points_expire_days = 0", "greater than 0"),
        ("modul = []", "did you mean `modules`"),
    ],
)
def test_features_that_contradict_each_other_or_do_nothing_are_refused(tmp_path: Path, text: str, said: str) -> None:
    assert said in _refused(tmp_path, LEAST + f"[features]\n{text}\n")


def test_where_there_are_events_their_settings_do_something(tmp_path: Path) -> None:
    settings = "[features]\ncompany_events = true\npoints_expire_days = 365\n"
    features = _load(tmp_path, LEAST + EVENTS + settings).features
    assert (features.company_events, features.points_expire_days) == (True, 365)


def test_money_has_terms_of_its_own() -> None:
    config = Config.of(economics={"margin": 0.4}, lifetime={"horizon_days": 730})
    assert (config.economics.margin, config.economics.discount_rate, config.lifetime.horizon_days) == (0.4, 0.1, 730)
    for section, said in (({"margin": 1.2}, "economics.margin"), ({"discount_rate": -0.1}, "economics.discount_rate")):
        with pytest.raises(ConfigError, match=said):
            Config.of(economics=dict(section))
