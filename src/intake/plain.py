"""Fields that say what they are by themselves: stamps in a plain ISO form, and texts with nothing to put right.

In: the texts of a batch. Out: for a stamp its microseconds and a code of basis and form, from which its very text can
be had again; for a column of labels whether any text needs cleaning. What is not plain is left as it is, to be read
with all others of its column; missing values too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..clock import DAY_US, Cutoff
from .casts import BASES, DAY, INSTANT, NAIVE

FORMS = (
    (10, "%Y-%m-%d", DAY),
    (16, "%Y-%m-%d %H:%M", NAIVE),
    (16, "%Y-%m-%dT%H:%M", NAIVE),
    (19, "%Y-%m-%d %H:%M:%S", NAIVE),
    (19, "%Y-%m-%dT%H:%M:%S", NAIVE),
    (20, "%Y-%m-%dT%H:%M:%SZ", INSTANT),
)
"""The plain forms of a stamp: length, how it is written, basis."""

TOLD = 4
"""A code of basis and form is the basis plus so many times the number of the form, 0 where the source has a type."""


_SHAPES = {
    form: [(at, sign) for at, sign in enumerate(form.replace("%Y", "yyyy").replace("%", "x")) if sign in "-: TZ"]
    for _, form, _ in FORMS
}
"""Of each form, where its signs stand."""

_FIRST_US = Cutoff.parse("1970-01-01").day * DAY_US
"""Earlier stamps are read one by one."""


def code_of(form: int, basis: str) -> int:
    """The code of a stamp in one of `FORMS`.

    Examples
    --------
    >>> code_of(0, DAY), code_of(0, DAY) % TOLD == BASES[DAY]
    (6, True)
    """
    return TOLD * (form + 1) + BASES[basis]


def stamps_sql(role: str, source: str) -> str:
    """SQL that adds `<role>_at`, the microseconds, and `<role>_code` to a relation with the texts of a role.

    A text is plain when DuckDB, having read it, writes it in the same way.
    """
    written = f"CAST({role}_read AS VARCHAR)"
    cases = []
    for form, (length, pattern, basis) in enumerate(FORMS):
        text = f"replace({written}, ' ', 'T')" if "T" in pattern else written
        same = f"starts_with({text}, {role})" if length < 20 else f"{text} || 'Z' = {role}"
        cases.append(f"WHEN strlen({role}) = {length} AND {same} THEN {code_of(form, basis)}")
    plausible = f"{role}_read >= TIMESTAMP '1000-01-01' AND {role}_read < TIMESTAMP '10000-01-01'"
    read = f"SELECT *, TRY_CAST({role} AS TIMESTAMP) AS {role}_read FROM {source}"
    return (
        f"(SELECT *, CASE WHEN {plausible} THEN epoch_us({role}_read) END AS {role}_at, "
        f"CASE WHEN {plausible} THEN CASE {' '.join(cases)} END END AS {role}_code FROM ({read}))"
    )


def uniform_stamps(role: str, column: pa.ChunkedArray) -> dict[str, Any] | None:
    """The columns of a batch whose stamps are all written in one of `FORMS`; None where they are not.

    Examples
    --------
    >>> found = uniform_stamps("at", pa.chunked_array([["1970-01-01 00:00:01"]]))
    >>> found["at_us"].to_pylist(), found["at_basis"].to_pylist() == [code_of(3, NAIVE)]
    ([1000000], True)
    """
    forms = {_form_of(chunk) for chunk in column.chunks if len(chunk)}
    form = forms.pop() if len(forms) == 1 else None
    if form is None:
        return None
    try:
        read = column.cast(pa.timestamp("us", "UTC" if FORMS[form][2] == INSTANT else None))
    except pa.ArrowInvalid:
        return None
    if not pc.min(read.cast(pa.int64())).as_py() >= _FIRST_US:
        return None
    n, code = len(column), code_of(form, FORMS[form][2])
    return {
        role: pa.nulls(n, pa.string()),
        f"{role}_us": read.cast(pa.int64()),
        f"{role}_basis": pa.repeat(pa.scalar(code, pa.int8()), n),
    }


def _form_of(texts: pa.Array) -> int | None:
    """The number of the form whose length and signs all texts have."""
    _, offsets, data = texts.buffers()
    bounds = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    length = int(bounds[1] - bounds[0])
    if texts.null_count or data is None or not length or not (np.diff(bounds) == length).all():
        return None
    letters = np.frombuffer(data, np.uint8)[bounds[0] : bounds[-1]].reshape(-1, length)
    for number, (size, form, _) in enumerate(FORMS):
        signs = _SHAPES[form]
        if size == length and all((letters[:, at] == ord(sign)).all() for at, sign in signs):
            return number
    return None


def stamp_text_sql(role: str, table: str = "raw") -> str:
    """SQL for the text of a time as it stood in the source, or how a typed one is written."""
    at = f"TRY(make_timestamp({table}.{role}_us))"
    cases = (f"WHEN {code_of(i, basis)} THEN strftime({at}, '{form}')" for i, (_, form, basis) in enumerate(FORMS))
    return f"coalesce({table}.{role}, CASE {table}.{role}_basis {' '.join(cases)} ELSE CAST({at} AS VARCHAR) END)"


def is_clean(column: pa.ChunkedArray) -> bool:
    """Whether all texts are ASCII and begin and end with a visible character; empty and missing ones are.

    Examples
    --------
    >>> is_clean(pa.chunked_array([["a b", "", None]])), is_clean(pa.chunked_array([["a "]]))
    (True, False)
    """
    return all(_is_clean(chunk) for chunk in column.chunks if len(chunk))


def _is_clean(texts: pa.Array) -> bool:
    _, offsets, data = texts.buffers()
    bounds = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    if data is None or bounds[0] == bounds[-1]:
        return True
    letters = np.frombuffer(data, np.uint8)
    filled = bounds[1:] > bounds[:-1]
    first, last = letters[bounds[:-1][filled]], letters[bounds[1:][filled] - 1]
    return bool(letters[bounds[0] : bounds[-1]].max() < 128 and min(first.min(), last.min()) > 32)
