"""Texts of the data as parts of features' names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.features.naming import slug, slugs


@pytest.mark.parametrize(
    ("text", "name"), [(" Visit ", "visit"), ("e-mail  open!", "e_mail_open"), ("Größe", "größe"), ("?!", "unnamed")]
)
def test_a_name_is_letters_digits_and_single_underscores(text: str, name: str) -> None:
    assert slug(text) == name


def test_a_number_never_takes_the_name_of_another_text() -> None:
    assert slugs(["Visit", "visit", "visit 2"]) == {"Visit": "visit", "visit": "visit_3", "visit 2": "visit_2"}


@given(st.lists(st.text(alphabet="aA _2-", max_size=4), unique=True))
def test_no_two_texts_share_a_name(texts: list[str]) -> None:
    found = slugs(texts)
    assert list(found) == texts
    assert len(set(found.values())) == len(texts)
