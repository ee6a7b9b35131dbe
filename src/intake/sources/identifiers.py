"""Names from outside in SQL: quoted, and matched against what the database really holds.

In: a name from the configuration, and the tables of a database. Out: an SQL identifier, or the table that is meant. A
name that no table has is an error with the nearest names; so is one that two tables answer to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import ConfigError, DataError, did_you_mean


def quoted(name: str) -> str:
    """A name as an SQL identifier: the only way a name from outside gets into a statement.

    Examples
    --------
    >>> quoted('amount") --')
    '"amount"") --"'
    """
    if "\0" in name:
        raise ConfigError(f"`{name!r}` is not a name of a column or table", code="RG110")
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True)
class TableName:
    """A table of a database.

    Parameters
    ----------
    schema : str
    name : str
    bare : bool
        Whether it is found by its name alone.

    Examples
    --------
    >>> TableName("shop", "sales", bare=False).shown
    'shop.sales'
    """

    schema: str
    name: str
    bare: bool = True

    @property
    def shown(self) -> str:
        """As one writes it in the configuration."""
        return self.name if self.bare else f"{self.schema}.{self.name}"

    @property
    def sql(self) -> str:
        """As it stands in a statement."""
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    def answers_to(self, said: str) -> bool:
        """Whether `said` is the name, where that is enough, or schema and name."""
        return said == f"{self.schema}.{self.name}" or (self.bare and said == self.name)


def table_among(said: str, known: Sequence[TableName], where: str) -> TableName:
    """The table that `said` names, exactly.

    Examples
    --------
    >>> table_among("sales", [TableName("main", "sales")], "`shop.db`").sql
    '"main"."sales"'
    """
    found = [table for table in known if table.answers_to(said)]
    if not found:
        hint = did_you_mean(said, [t.shown for t in known]) if known else "it holds no table"
        raise DataError(f"{where} has no table `{said}`", do=hint, code="RG113")
    if len(found) > 1:
        raise DataError(
            f'`table = "{said}"` can be the table `{found[0].name}` of `{found[0].schema}` or the table '
            f"`{found[1].name}` of `{found[1].schema}`",
            needed="a name that only one table answers to",
            do="make a view with a plain name over the one that is meant",
            code="RG177",
        )
    return found[0]
