"""The sections of the tables beside the purchases: what is filled in, what is refused and in which words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from regulars.config import Config
from regulars.errors import ConfigError
from regulars.intake.sources.parts import is_money, is_stamp, is_text
from regulars.schema import BESIDE, INSTANT, MONEY, PURCHASES, table_schema
from regulars.sections import ConsentConfig, CustomersConfig, EventsConfig, OffersConfig, PurchasesConfig, TableSection

LEAST = "[data.purchases]\npath = 'p.csv'\ncustomer_id = 'id'\npurchased_at = 'when'\namount = 'paid'\n"
EVENTS = "customer_id = 'id'\noccurred_at = 'at'\n"


def _load(folder: Path, text: str) -> Config:
    file = folder / "regulars.toml"
    file.write_text(LEAST + text, encoding="utf-8")
    return Config.load(file)


def _refused(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        _load(folder, text)
    return str(caught.value)


def test_without_sections_there_are_no_tables_beside_the_purchases(tmp_path: Path) -> None:
    assert _load(tmp_path, "").data.beside() == {}


def test_events_are_one_section_or_several(tmp_path: Path) -> None:
    one = _load(tmp_path, f"[data.events]\nkind = 'what'\n{EVENTS}")
    (section,) = one.data.events
    assert section.roles() == {"customer_id": "id", "kind": "what", "occurred_at": "at"}
    two = _load(tmp_path, f"[[data.events]]\nkind = 'what'\n{EVENTS}[[data.events]]\nall_of_kind = 'visit'\n{EVENTS}")
    assert [s.all_of_kind for s in two.data.events] == [None, "visit"]
    assert list(two.data.beside()) == ["events"]


def test_every_table_is_mapped_by_its_section(tmp_path: Path) -> None:
    data = _load(
        tmp_path,
        """
        [data.customers]
        customer_id = "id"
        joined_at = "since"
        attributes = ["town", "plan"]
        numbers = ["income"]
        sensitive = ["gender"]
        [data.offers]
        customer_id = "id"
        offer_id = "coupon"
        offered_at = "sent"
        [data.consent]
        customer_id = "id"
        channel = "by"
        all_of_purpose = "marketing"
        status = "may"
        recorded_at = "at"
        """,
    ).data
    assert list(data.beside()) == ["customers", "offers", "consent"]
    assert data.customers is not None
    assert data.customers.roles() == {
        "customer_id": "id", "joined_at": "since", "label_0": "town", "label_1": "plan", "number_0": "income",
        "sensitive_0": "gender",
    }  # fmt: skip
    assert data.consent is not None
    assert data.consent.max_bad_share == 0  # A withdrawal that cannot be read is no trifle.


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"[data.events]\nknd = 'what'\n{EVENTS}", r"unknown key `data\.events\.knd`.*did you mean `kind`"),
        (
            f"[[data.events]]\nkind = 'what'\n{EVENTS}[[data.events]]\nknd = 'what'\n{EVENTS}",
            r"unknown key `data\.events\[1\]\.knd`.*did you mean `kind`",
        ),
        (
            "[data.events]\nkind = 'what'\ncustomer_id = 'id'\n",
            r"`data\.events\.occurred_at` is missing.*time of the ev",
        ),
        ("[data.costumers]\ncustomer_id = 'id'\n", r"unknown key `data\.costumers`.*did you mean `customers`"),
        ("[data.customers]\ncustomer_id = 'id'\nsensitve = ['x']\n", "did you mean `sensitive`"),
        ("[data.offers]\ncustomer_id = 'id'\noffer_id = 'o'\n", r"`data\.offers\.offered_at` is missing"),
        (EVENTS.join(["[data.events]\n", ""]), "give `kind` .* or `all_of_kind`"),
        (f"[data.events]\nkind = 'k'\nall_of_kind = 'visit'\n{EVENTS}", "give `kind` .* or `all_of_kind` .* not both"),
        (
            f"[data.events]\nkind = 'k'\ninitiated_by = 'by'\ncompany_initiated = ['sent']\n{EVENTS}",
            "`company_initiated` does nothing beside `initiated_by`",
        ),
        (
            f"[data.events]\nall_of_kind = 'visit'\ncompany_initiated = ['sent']\n{EVENTS}",
            "every line is of kind `visit`; `company_initiated` names another",
        ),
        (f"[data.events]\nkind = 'k'\ncompany_initiated = [' ']\n{EVENTS}", "holds an empty name"),
        (f"[data.events]\nkind = 'k'\ndecimal = ','\n{EVENTS}", "`decimal` does nothing: no column of numbers"),
        (f"[data.events]\nkind = 'k'\nnaive_timezone = 'Europe/Berln'\n{EVENTS}", "did you mean `Europe/Berlin`"),
        (f"[data.events]\nkind = 'k'\npath = 'a'\nurl = 'sqlite:///b'\ntable = 't'\n{EVENTS}", "not both"),
        (f"[data.events]\nkind = 'k'\nurl = 'sqlite:///b'\n{EVENTS}", "`url` and `table` go together"),
        (
            f"[data.events]\nkind = 'k'\nurl = 'sqlite:///b'\ntable = 't'\nsheets = ['s']\n{EVENTS}",
            "`sheets` does nothing beside `url`",
        ),
        (f"[[data.events]]\nkind = 'k'\n{EVENTS}" * 2, "two sections of events are the same"),
        ("[data.customers]\ncustomer_id = 'id'\nday_first = true\n", "`day_first` does nothing: no column of times"),
        ("[data.customers]\ncustomer_id = 'id'\nnaive_timezone = 'UTC'\n", "`naive_timezone` does nothing"),
        ("[data.customers]\ncustomer_id = 'id'\ndecimal = ','\n", "`decimal` does nothing"),
        (
            "[data.customers]\ncustomer_id = 'id'\nattributes = ['town', 'sex']\nsensitive = ['sex']\n",
            "column `sex` is sensitive and is read as `attributes`",
        ),
        (
            "[data.customers]\ncustomer_id = 'id'\nnumbers = ['age']\nsensitive = ['age']\n",
            "column `age` is sensitive and is read as `numbers`",
        ),
        (
            "[data.customers]\ncustomer_id = 'id'\nacquisition_channel = 'ch'\nsensitive = ['ch']\n",
            "column `ch` is sensitive and is read as `acquisition_channel`",
        ),
        ("[data.customers]\ncustomer_id = 'id'\nattributes = ['x', 'X']\n", "column `X` is named twice"),
        ("[data.customers]\ncustomer_id = 'id'\nattributes = ['x']\nnumbers = ['x']\n", "column `x` is named twice"),
        ("[data.customers]\ncustomer_id = 'id'\nattributes = ['id']\n", "column `id` is named twice"),
        (
            "[data.customers]\ncustomer_id = 'id'\nattributes = ['joined_at']\n",
            "column `joined_at` has a meaning of its own",
        ),
        (
            "[data.consent]\ncustomer_id = 'id'\nstatus = 's'\nrecorded_at = 'at'\nall_of_channel = 'email'\n",
            "give `purpose` .* or `all_of_purpose`",
        ),
    ],
)
def test_settings_that_contradict_each_other_or_do_nothing_are_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        _load(tmp_path, text)
    assert caught.value.exit_code == 2
    assert "regulars.toml" in str(caught.value)


def test_a_number_is_declared_with_its_decimal_sign(tmp_path: Path) -> None:
    data = _load(tmp_path, "[data.customers]\ncustomer_id = 'id'\nnumbers = ['income']\ndecimal = ','\n").data
    assert data.customers is not None
    assert data.customers.decimal == ","


@pytest.mark.parametrize(
    ("section", "contract"),
    [
        (PurchasesConfig, PURCHASES),
        (EventsConfig, BESIDE["events"]),
        (CustomersConfig, BESIDE["customers"]),
        (OffersConfig, BESIDE["offers"]),
        (ConsentConfig, BESIDE["consent"]),
    ],
)
def test_every_column_of_a_contract_has_a_key_that_reads_its_type(
    section: type[TableSection], contract: tuple[Any, ...]
) -> None:
    roles = (*section.LABELS, *section.NUMBERS, *section.TIMES)
    # These make the columns of the ledger, or tell lines apart; they are none themselves.
    assert set(roles) - {"unit_price", "currency", "transaction_id"} == {c.name for c in contract}
    for column in contract:
        assert column.name in section.model_fields
        assert (is_money(column.name), is_stamp(column.name)) == (column.type == MONEY, column.type == INSTANT)
        assert is_text(column.name) == (column.type not in (MONEY, INSTANT))


def test_editors_are_told_that_events_are_one_section_or_a_list() -> None:
    schema = Config.model_json_schema()
    kinds = schema["$defs"]["DataConfig"]["properties"]["events"]["anyOf"]
    assert {"array"} < {kind.get("type", kind.get("$ref", "")) for kind in kinds}
    for name in ("EventsConfig", "CustomersConfig", "OffersConfig", "ConsentConfig"):
        assert all("description" in p for p in schema["$defs"][name]["properties"].values())


def test_declared_columns_stand_after_the_canonical_ones() -> None:
    schema = table_schema("customers", {"referred_by", "joined_at"}, ["town"], ["income"], ["sex"])
    assert schema.names == ["customer_id", "joined_at", "referred_by", "town", "income", "sex"]
    assert schema.field("income").type == MONEY
