"""Rules as data: against a plain evaluator row by row, with what is missing in all its forms."""

from __future__ import annotations

import tomllib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.errors import ConfigError
from regulars.offers.eligibility import Judge, check_fields, eligible
from regulars.offers.rules import Rule

NUMBERS = [float("nan"), -1.0, 0.0, 0.5, 2.0]
TEXTS = [None, "", "ham", "hamburg", "2026-03-01", "2026-04-01"]
ROWS = st.fixed_dictionaries(
    {"orders": st.sampled_from(NUMBERS), "town": st.sampled_from(TEXTS), "late": st.booleans()}
)


def _compare() -> st.SearchStrategy[dict[str, Any]]:
    number, town = st.sampled_from(NUMBERS[1:]), st.sampled_from([t for t in TEXTS if t])
    order = st.sampled_from(["<", "<=", ">", ">="])
    equal, listed = st.sampled_from(["==", "!="]), st.sampled_from(["in", "not_in"])
    day = st.sampled_from(["2026-03-01", "2026-03-15"])

    def made(field: str, op: Any, value: Any) -> st.SearchStrategy[dict[str, Any]]:
        return st.fixed_dictionaries({"field": st.just(field), "op": op, "value": value})

    return st.one_of(
        made("orders", st.one_of(order, equal), number),
        made("orders", listed, st.lists(number, min_size=1, max_size=3)),
        made("town", equal, town),
        made("town", order, day),
        made("town", listed, st.lists(town, min_size=1, max_size=3)),
        made("town", st.just("contains"), st.sampled_from(["ham", "-"])),
        made("late", equal, st.booleans()),
        st.fixed_dictionaries({"field": st.sampled_from(["orders", "town", "late"]), "op": st.just("is_missing")}),
    )


RULES = st.recursive(
    _compare(),
    lambda inner: st.one_of(
        st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"not": inner}),
    ),
    max_leaves=6,
)


def plainly(rule: dict[str, Any], row: dict[str, Any]) -> bool | None:
    """The same for one row, in three-valued logic; None is unknown."""
    if "not" in rule:
        found = plainly(rule["not"], row)
        return None if found is None else not found
    for joint, wins in (("all", False), ("any", True)):
        if joint in rule:
            truths = [plainly(part, row) for part in rule[joint]]
            return wins if wins in truths else None if None in truths else not wins
    value = row[rule["field"]]
    missing = value is None or value == "" or value != value
    if rule["op"] == "is_missing":
        return missing
    if missing:
        return None
    wanted = rule["value"]
    return {
        "==": lambda: value == wanted,
        "!=": lambda: value != wanted,
        "<": lambda: value < wanted,
        "<=": lambda: value <= wanted,
        ">": lambda: value > wanted,
        ">=": lambda: value >= wanted,
        "in": lambda: value in wanted,
        "not_in": lambda: value not in wanted,
        "contains": lambda: wanted in value,
    }[rule["op"]]()


def columns_of(rows: list[dict[str, Any]]) -> dict[str, np.ndarray[Any, Any]]:
    kinds = {"orders": np.float64, "town": object, "late": bool}
    return {name: np.array([row[name] for row in rows], kind) for name, kind in kinds.items()}


@given(rule=RULES, rows=st.lists(ROWS, max_size=8))
def test_a_rule_over_columns_is_the_rule_of_every_row(rule: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    found = eligible(Rule.model_validate(rule), columns_of(rows), len(rows))
    assert found.tolist() == [plainly(rule, row) is True for row in rows]


def test_who_is_missing_is_taken_by_no_comparison_and_by_no_contrary_of_one() -> None:
    columns = {"orders": np.array([np.nan, 1.0, 5.0]), "town": np.array([None, "", "ham"], object)}
    many = {"field": "orders", "op": ">=", "value": 3}
    ham = {"field": "town", "op": "==", "value": "ham"}

    def who(rule: dict[str, Any]) -> list[bool]:
        return eligible(Rule.model_validate(rule), columns, 3).tolist()

    assert who(many) == [False, False, True]
    assert who({"not": many}) == [False, True, False]
    assert who({"not": ham}) == [False, False, False]
    # Unknown or true is true, unknown and false is false: what is missing need not be known.
    assert who({"any": [many, {"field": "orders", "op": "is_missing"}]}) == [True, False, True]
    assert who({"not": {"all": [ham, {"field": "orders", "op": "<", "value": 0}]}}) == [False, True, True]


def test_a_day_of_toml_is_its_text() -> None:
    rule = tomllib.loads(
        'r = {any = [{field = "day", op = "<", value = 2026-03-02}, {field = "day", op = "in", value = [2026-04-01]}]}'
    )["r"]
    days = np.array(["2026-03-01", "2026-03-02", "2026-04-01", ""], object)
    assert eligible(Rule.model_validate(rule), {"day": days}, 4).tolist() == [True, False, True, False]


def test_no_rule_is_for_all() -> None:
    assert eligible(None, {}, 2).tolist() == [True, True]


def test_a_text_is_never_compared_with_a_number_in_silence() -> None:
    columns = {"age": np.array(["31"], object), "late": np.array([True]), "orders": np.array([1])}
    for rule, said in (
        ({"field": "age", "op": ">", "value": 30}, "which is text, with a number.*`numbers` of"),
        ({"field": "late", "op": "==", "value": 1}, "which is true or false, with a number"),
        ({"field": "orders", "op": "==", "value": "1"}, "which is a number, with text"),
        ({"field": "orders", "op": "contains", "value": "1"}, "which is a number, with text"),
    ):
        with pytest.raises(ConfigError, match=f"RG414.*{said}"):
            eligible(Rule.model_validate(rule), columns, 1)


def test_an_unknown_field_is_named_with_the_nearest() -> None:
    rule = Rule.model_validate({"all": [{"field": "recensy_days", "op": ">", "value": 30}]})
    with pytest.raises(ConfigError, match=r"`recensy_days`.*did you mean `recency_days`\?"):
        eligible(rule, {"recency_days": np.array([1.0])}, 1)
    with pytest.raises(ConfigError, match=r"RG414.*`recensy_days`"):
        check_fields(rule, ["recency_days"])
    with pytest.raises(ConfigError, match=r"RG415.*`recensy_days`"):
        check_fields(rule, ["recency_days"], sensitive=["recensy_days"])


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("orders > 3", "a rule is a table"),
        ({}, "a rule is one of"),
        ({"field": "a", "op": "==", "value": 1, "any": []}, "a rule is one of"),
        ({"all": []}, "`all` is empty"),
        ({"field": "a", "value": 1}, "a comparison has a `field` and an `op`"),
        ({"field": "a", "op": "=", "value": 1}, "there is no operator `=`; did you mean"),
        ({"field": "a", "op": "__import__('os')", "value": 1}, "there is no operator"),
        ({"field": "a", "op": "in", "value": 1}, "takes a list of values of one kind"),
        ({"field": "a", "op": "in", "value": []}, "takes a list of values of one kind"),
        ({"field": "a", "op": "in", "value": [1, "b"]}, "takes a list of values of one kind"),
        ({"field": "a", "op": "==", "value": [1]}, "takes one value"),
        ({"field": "a", "op": "=="}, "takes one value"),
        ({"field": "a", "op": "<", "value": "many"}, "takes a number, or a day"),
        ({"field": "a", "op": "<", "value": True}, "takes a number, or a day"),
        ({"field": "a", "op": "==", "value": float("inf")}, "takes finite numbers only"),
        ({"field": "a", "op": "is_missing", "value": True}, "takes no value"),
        ({"field": "a", "op": "contains", "value": 1}, "takes a text"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(rule: Any, said: str) -> None:
    with pytest.raises(ValueError, match="1 validation error") as found:
        Rule.model_validate(rule)
    assert said in str(found.value)


def test_a_rule_reads_as_a_sentence() -> None:
    rule = Rule.model_validate(
        {
            "all": [
                {"field": "p_churn", "op": ">", "value": 0.4},
                {
                    "any": [
                        {"field": "late", "op": "==", "value": True},
                        {"field": "town", "op": "in", "value": ["a", "b"]},
                    ]
                },
                {"not": {"field": "town", "op": "is_missing"}},
            ]
        }
    )
    assert rule.words == "p_churn > 0.4 and (late == true or town in a, b) and (not (town is missing))"


def test_the_values_of_a_field_ascend_and_who_has_none_is_marked() -> None:
    judge = Judge({"town": np.array(["b", None, "a", "b"], object), "size": np.array([2.0, np.nan, 1.0, 2.0])}, 4)
    for field, values in (("town", ["a", "b"]), ("size", [1.0, 2.0])):
        found, codes = judge.values(field)
        assert found == values
        assert codes.tolist() == [1, -1, 0, 1]
