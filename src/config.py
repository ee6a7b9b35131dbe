"""One TOML file -> frozen settings; also the JSON Schema for editors.

In: a path, or keyword arguments in Python. Out: a `Config`, every path and URI in it resolved against the file's own
folder. Unknown keys, wrong types and settings that would do nothing are a `ConfigError`. Nothing is created.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, Field, ValidationError, model_validator

from .clock import Zone, panel_step, parse_date
from .errors import ConfigError, did_you_mean
from .loyalty_section import LoyaltyConfig
from .offering_section import ContactConfig, OfferingConfig
from .production_sections import GateConfig, MlflowConfig, MonitorConfig, ScoresConfig
from .sections import (
    ConsentConfig,
    CustomersConfig,
    EventsConfig,
    OffersConfig,
    PurchasesConfig,
    Section,
    TableSection,
    listed,
)
from .serving_section import ServeConfig
from .tuning_section import TuningConfig

Positive = Annotated[int, Field(gt=0)]


def _date_text(value: Any) -> Any:
    """TOML has dates of its own; inside, a date is its ISO text."""
    return value if value is None or isinstance(value, str) else str(value)


def _date_texts(value: Any) -> Any:
    """A list of dates, each as its ISO text."""
    return [_date_text(v) for v in value] if isinstance(value, list | tuple) else value


def _as_tuple(value: Any) -> Any:
    values = value if isinstance(value, list | tuple) else (value,)
    if any(isinstance(v, bool) or not isinstance(v, int) for v in values):
        raise ValueError("a horizon is a whole number of days, or a list of them")
    return tuple(values)


class DataConfig(Section):
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
    events: Annotated[
        tuple[EventsConfig, ...],
        BeforeValidator(listed, json_schema_input_type=EventsConfig | tuple[EventsConfig, ...]),
    ] = Field(default=(), description="one table of events, or several as [[data.events]]")
    customers: CustomersConfig | None = None
    offers: OffersConfig | None = None
    consent: ConsentConfig | None = None

    def beside(self) -> dict[str, tuple[TableSection, ...]]:
        """The sections of the tables beside the purchases, by table; only those that are there."""
        single = {"customers": self.customers, "offers": self.offers, "consent": self.consent}
        found: dict[str, tuple[TableSection, ...]] = {"events": self.events} if self.events else {}
        return found | {name: (section,) for name, section in single.items() if section is not None}

    @model_validator(mode="after")
    def _known(self) -> DataConfig:
        Zone(self.timezone)
        for day in (self.history_starts, self.history_ends):
            if day is not None:
                parse_date(day)
        rates, own = self.purchases.rates_by_code(), self.currency.strip().upper()
        if rates and not own:
            raise ValueError("`rates` are in the ledger's currency; say which that is: currency under [data]")
        if rates.get(own, 1) != 1:
            raise ValueError(f"{own} is the ledger's own currency; its rate is 1, and can be left out")
        if any(section in self.events[:i] for i, section in enumerate(self.events)):
            raise ValueError("two sections of events are the same; leave one out")
        return self


class TargetConfig(Section):
    """What is predicted, for whom."""

    horizon_days: Annotated[tuple[Positive, ...], BeforeValidator(_as_tuple), Field(min_length=1)] = (90,)
    active_within_days: Positive | None = Field(default=None, description="at risk only if bought within so many days")
    label_lag_days: int = Field(default=0, ge=0, description="days until a label can be trusted")

    @property
    def primary(self) -> int:
        """The first horizon, in days."""
        return self.horizon_days[0]

    @property
    def further(self) -> tuple[int, ...]:
        """The other horizons, each once."""
        return tuple(h for h in dict.fromkeys(self.horizon_days) if h != self.primary)


class PanelConfig(Section):
    """How often the past is looked at."""

    every_days: Positive | None = Field(
        default=None, description="days between cutoffs; default: about 28, dividing horizon"
    )

    def step(self, horizon_days: int) -> int:
        """Days between cutoffs for a horizon."""
        return self.every_days or panel_step(horizon_days)


class FeaturesConfig(Section):
    """Which features there are, beside and without the default ones."""

    modules: tuple[str, ...] = Field(
        default=(), description="files with feature families of your own; relative to the configuration file"
    )
    on: tuple[str, ...] = Field(default=(), description="families beside those that are used by default")
    off: tuple[str, ...] = Field(default=(), description="families that are left out")
    company_events: bool = Field(default=False, description="whether what the company does is a feature, too")
    points_expire_days: Positive | None = Field(default=None, description="after how many days loyalty points expire")
    holidays: Annotated[tuple[str, ...], BeforeValidator(_date_texts)] = Field(
        default=(), description="days (YYYY-MM-DD) around which people buy differently; used by the family `season`"
    )

    @model_validator(mode="after")
    def _coherent(self) -> FeaturesConfig:
        for key in ("modules", "on", "off", "holidays"):
            values = getattr(self, key)
            twice = sorted({v for v in values if values.count(v) > 1})
            if twice:
                raise ValueError(f"`{key}` names {', '.join(f'`{v}`' for v in twice)} twice")
        both = sorted(set(self.on) & set(self.off))
        if both:
            raise ValueError(f"{', '.join(f'`{v}`' for v in both)} is both on and off")
        for day in self.holidays:
            parse_date(day)
        # A family of the user's own may look at the holidays, too.
        if self.holidays and not self.modules and "season" not in self.on:
            raise ValueError('`holidays` does nothing while the family `season` is off; add on = ["season"]')
        return self


class BacktestConfig(Section):
    """How the model is examined."""

    origins: Positive = Field(default=3, description="at most so many rolling origins")
    windows: Positive = Field(
        default=3, description="how sure a prediction is, is learnt from at most so many windows closed before"
    )


class BudgetConfig(Section):
    """Whom one can afford to contact and what that brings, for the gain of the backtest; assumed by default."""

    share: float = Field(
        default=0.1, gt=0, le=1, description="at most this share of the customers with money at stake is contacted"
    )
    save_rate: float = Field(
        default=0.1, ge=0, le=1, description="share of those contacted who stay, of those who would have fallen silent"
    )
    money: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, description="at most so much is spent on contacts at one cutoff"
    )


class EconomicsConfig(Section):
    """What money is worth to the company."""

    margin: float = Field(default=1.0, ge=0, le=1, description="share of spend that is earned; 1: values are revenue")
    discount_rate: float = Field(
        default=0.1, ge=0, allow_inf_nan=False, description="by how much money is worth less a year later, such as 0.1"
    )
    contact_cost: float = Field(
        default=0.0, ge=0, allow_inf_nan=False, description="cost of one contact, in the ledger's currency"
    )
    complaint_cost: float = Field(
        default=0.0, ge=0, allow_inf_nan=False, description="cost of one complaint, in the ledger's currency"
    )
    return_cost: float = Field(
        default=0.0, ge=0, allow_inf_nan=False, description="cost of one order that comes back, beside its money"
    )


class LifetimeConfig(Section):
    """How far lifetime value looks ahead."""

    horizon_days: Positive = Field(default=1095, description="lifetime value counts what is bought in so many days")


class PrivacyConfig(Section):
    """What becomes of names at the door."""

    pseudonyms: bool = Field(
        default=False, description="replace every customer id by a keyed hash before anything is stored"
    )
    key_file: str | None = Field(
        default=None,
        description="file of the secret key; default: $REGULARS_KEY, else .regulars/key (made when needed)",
    )
    ids_in_report: bool = Field(
        default=False, description="list customers in report.html by their ids, not by their rows in scores.csv"
    )


class EngineConfig(Section):
    """Who computes."""

    kind: Literal["local"] = "local"
    threads: Positive | None = Field(default=None, description="default: the processors this process may use")
    memory: str | None = Field(
        default=None, pattern=r"^\d+(\.\d+)?\s*(MB|GB|MiB|GiB)$", description="DuckDB's limit, as 2GB"
    )


class Config(Section):
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
    features: FeaturesConfig = FeaturesConfig()
    backtest: BacktestConfig = BacktestConfig()
    budget: BudgetConfig = BudgetConfig()
    economics: EconomicsConfig = EconomicsConfig()
    lifetime: LifetimeConfig = LifetimeConfig()
    offers: OfferingConfig = OfferingConfig()
    contact: ContactConfig = ContactConfig()
    loyalty: LoyaltyConfig = LoyaltyConfig()
    tuning: TuningConfig = TuningConfig()
    scores: ScoresConfig = ScoresConfig()
    mlflow: MlflowConfig = MlflowConfig()
    gate: GateConfig = GateConfig()
    monitor: MonitorConfig = MonitorConfig()
    serve: ServeConfig = ServeConfig()
    engine: EngineConfig = EngineConfig()
    privacy: PrivacyConfig = PrivacyConfig()
    seed: int = Field(default=0, ge=0)
    folder: Path = Field(default=Path(), exclude=True, repr=False)

    @model_validator(mode="after")
    def _something_to_do(self) -> Config:
        if not self.data.events:
            for key in ("company_events", "points_expire_days"):
                if getattr(self.features, key):
                    raise ValueError(f"`features.{key}` does nothing: there is no [data.events]")
        if self.budget.money is not None and self.economics.contact_cost == 0:
            raise ValueError("`budget.money` does nothing while a contact costs nothing; set `economics.contact_cost`")
        joined = self.data.customers is not None and self.data.customers.joined_at is not None
        self.loyalty.check_beside(self.features.points_expire_days, bool(self.data.events), joined)
        return self

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
            raise _explained(error, where, content) from None

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
        inner = _section_in(field.annotation) if field else None
        if inner is not None:
            model = inner
        elif not isinstance(step, int):  # A number counts the sections of a list.
            break
    return model


def _section_in(annotation: Any) -> type[BaseModel] | None:
    """The kind of section that a key takes, be it optional or one of a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _section_in(inner)) is not None), None)


def _written(place: tuple[int | str, ...], content: Any) -> str:
    """A place as the user wrote it: `data.events[1].kind` in a list of sections, `data.events.kind` in one."""
    key = ""
    for step in place:
        if isinstance(step, int):
            key += f"[{step}]" if isinstance(content, list | tuple) else ""
            content = content[step] if isinstance(content, list | tuple) and step < len(content) else content
        else:
            key += f".{step}" if key else step
            content = content.get(step) if isinstance(content, dict) else None
    return key


def _explained(error: ValidationError, where: str, content: dict[str, Any]) -> ConfigError:
    """The first problem in the house's words."""
    problems = error.errors(include_url=False)
    first = problems[0]
    place = tuple(first["loc"])
    key = _written(place, content)
    others = [_written(tuple(p["loc"]), content) for p in problems[1:]]
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
