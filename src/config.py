"""One TOML file -> frozen settings; also the JSON Schema for editors.

In: a path, or keyword arguments in Python. Out: a `Config`, every path and URI in it resolved against the file's own
folder. Unknown keys, wrong types and settings that would do nothing are a `ConfigError`. Nothing is created.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from .clock import Zone, panel_step, parse_date
from .errors import ConfigError, did_you_mean

Positive = Annotated[int, Field(gt=0)]


def _date_text(value: Any) -> Any:
    """TOML has dates of its own; inside, a date is its ISO text."""
    return value if value is None or isinstance(value, str) else str(value)


def _as_tuple(value: Any) -> Any:
    values = value if isinstance(value, list | tuple) else (value,)
    if any(isinstance(v, bool) or not isinstance(v, int) for v in values):
        raise ValueError("a horizon is a whole number of days, or a list of them")
    return tuple(values)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, validate_default=True)


class PurchasesConfig(_Section):
    """Where the purchases are and which of their columns is what."""

    path: str | None = Field(
        default=None, description="CSV, Parquet, a folder or a glob; relative to the configuration file"
    )
    url: str | None = Field(
        default=None, description="SQLite or DuckDB file (sqlite:///..., duckdb:///...); needs `table`"
    )
    table: str | None = Field(default=None, description="the table behind `url`")
    customer_id: str = Field(description="column of the customer's id; read as text")
    purchased_at: str = Field(description="column of the time of purchase")
    order_id: str | None = Field(default=None, description="column of the order; without it, customer and local day")
    amount: str | None = Field(
        default=None, description="column of the net money of the line; or give quantity and unit_price"
    )
    quantity: str | None = None
    unit_price: str | None = None
    product_id: str | None = None
    category: str | None = None
    discount: str | None = None
    cost: str | None = None
    channel: str | None = None
    known_at: str | None = Field(default=None, description="column of when the row became known")
    naive_timezone: str | None = Field(default=None, description="zone of stamps without one; default: data.timezone")
    day_first: bool | None = Field(
        default=None, description="how 03/04/2024 is to be read, when the data cannot prove it"
    )
    decimal: Literal[".", ","] | None = Field(default=None, description="decimal sign, when the data cannot prove it")
    returns: Literal["net", "separate", "drop"] = "net"
    duplicates: Literal["overlap", "keep", "drop"] = "overlap"
    count_free: bool = Field(default=False, description="whether an order of zero money is a purchase")
    max_bad_share: float = Field(default=0.01, ge=0, le=1, description="share of lines that may be quarantined")

    @model_validator(mode="after")
    def _coherent(self) -> PurchasesConfig:
        if self.path and self.url:
            raise ValueError("give `path` or `url`, not both")
        if (self.url is None) != (self.table is None):
            raise ValueError("`url` and `table` go together")
        if self.amount is None and (self.quantity is None or self.unit_price is None):
            raise ValueError("give `amount`, or both `quantity` and `unit_price`")
        if self.amount is not None and self.unit_price is not None:
            raise ValueError("`unit_price` does nothing beside `amount`; leave one out")
        if self.naive_timezone is not None:
            Zone(self.naive_timezone)
        return self


class DataConfig(_Section):
    """What holds for all tables."""

    timezone: str = Field(default="UTC", description="the business time zone: cutoffs are its midnights")
    currency: str = Field(default="", description="shown beside money, such as EUR")
    tax: Literal["included", "excluded"] | None = Field(default=None, description="recorded, never converted")
    history_starts: Annotated[str | None, BeforeValidator(_date_text)] = Field(
        default=None, description="first day the data cover (YYYY-MM-DD); default: the day of the first row"
    )
    history_ends: Annotated[str | None, BeforeValidator(_date_text)] = Field(
        default=None, description="last day the data cover (YYYY-MM-DD); default: the day of the last row"
    )
    purchases: PurchasesConfig

    @model_validator(mode="after")
    def _known(self) -> DataConfig:
        Zone(self.timezone)
        for day in (self.history_starts, self.history_ends):
            if day is not None:
                parse_date(day)
        return self


class TargetConfig(_Section):
    """What is predicted, for whom."""

    horizon_days: Annotated[tuple[Positive, ...], BeforeValidator(_as_tuple), Field(min_length=1)] = (90,)
    active_within_days: Positive | None = Field(default=None, description="at risk only if bought within so many days")
    label_lag_days: int = Field(default=0, ge=0, description="days until a label can be trusted")

    @property
    def primary(self) -> int:
        """The first horizon, in days."""
        return self.horizon_days[0]


class PanelConfig(_Section):
    """How often the past is looked at."""

    every_days: Positive | None = Field(
        default=None, description="days between cutoffs; default: about 28, dividing horizon"
    )

    def step(self, horizon_days: int) -> int:
        """Days between cutoffs for a horizon."""
        return self.every_days or panel_step(horizon_days)


class BacktestConfig(_Section):
    """How the model is examined."""

    origins: Positive = Field(default=3, description="at most so many rolling origins")


class TuningConfig(_Section):
    """How long the settings of the boosters are searched."""

    trials: int = Field(default=10, ge=0, description="trials of the seeded study; 0 keeps the defaults")
    seconds: float | None = Field(
        default=None, gt=0, description="stop the study after so long; finished trials are recorded"
    )


class MlflowConfig(_Section):
    """Where runs and models are kept."""

    tracking_uri: str | None = Field(
        default=None, description="default: sqlite:///mlruns/mlflow.db beside the configuration"
    )
    model_name: str = Field(default="regulars", min_length=1, pattern=r"^[A-Za-z0-9][\w.-]*$")


class EngineConfig(_Section):
    """Who computes."""

    kind: Literal["local"] = "local"
    threads: Positive | None = Field(default=None, description="default: the processors this process may use")
    memory: str | None = Field(
        default=None, pattern=r"^\d+(\.\d+)?\s*(MB|GB|MiB|GiB)$", description="DuckDB's limit, as 2GB"
    )


class Config(_Section):
    """The whole of `regulars.toml`.

    Examples
    --------
    >>> config = Config.of(customer_id="id", purchased_at="when", amount="money", horizon_days=30)
    >>> config.target.primary, config.data.timezone
    (30, 'UTC')
    """

    data: DataConfig
    target: TargetConfig = TargetConfig()
    panel: PanelConfig = PanelConfig()
    backtest: BacktestConfig = BacktestConfig()
    tuning: TuningConfig = TuningConfig()
    mlflow: MlflowConfig = MlflowConfig()
    engine: EngineConfig = EngineConfig()
    seed: int = Field(default=0, ge=0)
    folder: Path = Field(default=Path(), exclude=True, repr=False)

    @classmethod
    def load(cls, path: str | Path) -> Config:
        """Read a TOML file; relative paths in it start at its own folder."""
        file = Path(path)
        try:
            content = tomllib.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ConfigError(
                f"there is no file `{path}`", do="give the path of a regulars.toml", code="RG013"
            ) from None
        except (IsADirectoryError, PermissionError, UnicodeDecodeError) as error:
            raise ConfigError(f"`{path}` cannot be read: {error}", code="RG013") from None
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"`{path}` is not TOML: {error}", code="RG013") from None
        if "folder" in content:
            raise ConfigError("unknown key `folder`", code="RG014")
        return cls._checked({**content, "folder": file.resolve().parent}, where=str(path))

    @classmethod
    def of(
        cls,
        *,
        customer_id: str = "customer_id",
        purchased_at: str = "purchased_at",
        amount: str | None = None,
        horizon_days: int | list[int] = 90,
        timezone: str = "UTC",
        currency: str = "",
        purchases: dict[str, object] | None = None,
        **sections: dict[str, object] | int,
    ) -> Config:
        """The same from keyword arguments, for notebooks; `purchases` holds the further columns."""
        columns: dict[str, object] = {"customer_id": customer_id, "purchased_at": purchased_at, **(purchases or {})}
        if amount is None and not {"quantity", "unit_price"} <= set(columns):
            amount = "amount"
        if amount is not None:
            columns["amount"] = amount
        data: dict[str, object] = {"timezone": timezone, "currency": currency, "purchases": columns}
        target: dict[str, object] = {"horizon_days": horizon_days}
        for name, into in (("data", data), ("target", target)):
            extra = sections.pop(name, {})
            if not isinstance(extra, dict):
                raise ConfigError(f"`{name}` is {extra!r}", needed="a dictionary of settings", code="RG016")
            into.update(extra)
        if "folder" in sections:
            raise ConfigError("unknown key `folder` in the arguments", code="RG014")
        return cls._checked({"data": data, "target": target, **sections, "folder": Path.cwd()}, where="the arguments")

    @classmethod
    def _checked(cls, content: dict[str, Any], where: str) -> Config:
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            raise _explained(error, where) from None

    @property
    def tracking_uri(self) -> str:
        """The MLflow tracking URI, made absolute."""
        uri = self.mlflow.tracking_uri or "sqlite:///mlruns/mlflow.db"
        if uri.startswith("sqlite:///") and not uri.startswith("sqlite:////"):
            return "sqlite:///" + str((self.folder / uri.removeprefix("sqlite:///")).resolve())
        return uri

    @property
    def zone(self) -> Zone:
        """The business time zone."""
        return Zone(self.data.timezone)


def _model_at(place: tuple[int | str, ...]) -> type[BaseModel]:
    """The section that a validation error's place lies in."""
    model: type[BaseModel] = Config
    for step in place:
        field = model.model_fields.get(str(step))
        inner = field.annotation if field else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            break
        model = inner
    return model


def _explained(error: ValidationError, where: str) -> ConfigError:
    """The first problem in the house's words."""
    problems = error.errors(include_url=False)
    first = problems[0]
    place = tuple(first["loc"])
    key = ".".join(str(p) for p in place)
    others = [".".join(str(p) for p in tuple(p["loc"])) for p in problems[1:]]
    also = f" (and {len(others)} more: {', '.join(others[:3])})" if others else ""
    if first["type"] == "extra_forbidden":
        known = [n for n in _model_at(place[:-1]).model_fields if n != "folder"]
        hint = did_you_mean(str(place[-1]), known)
        return ConfigError(f"unknown key `{key}` in {where}{also}", do=hint, code="RG014")
    if first["type"] == "missing":
        return ConfigError(f"`{key}` is missing in {where}{also}", needed=_meaning(place), code="RG015")
    said = first["msg"].removeprefix("Value error, ")
    return ConfigError(f"`{key or 'configuration'}` in {where}: {said}{also}", code="RG016")


def _meaning(place: tuple[int | str, ...]) -> str:
    field = _model_at(place[:-1]).model_fields.get(str(place[-1]))
    return (field.description or "") if field else ""
