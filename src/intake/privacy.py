"""The door that every customer id passes: erased customers are told apart, and names become pseudonyms.

In: the staged lines of one table (`raw`). Out: the same with pseudonyms in place of ids, if [privacy] says so, and the
table `erased` (customer_id) if a line is of someone who was forgotten. It happens before anything is stored or judged:
quarantine, notes and repairs know nothing else. An id that is missing stays missing. Without pseudonyms and tombstones
the door stands open and costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa

from ..config import Config
from .casts import cleaned_sql
from .keys import Key, key_of
from .sources.parts import is_text
from .staging import Connection, fetched
from .tombstones import Tombstones

NOT_KEPT = "(not kept: customer ids are pseudonyms)"
"""In place of the text of a line that cannot be split into fields, so that nobody knows where the id stands in it."""

_PLAIN = pa.schema([("customer_id", pa.string()), ("id", pa.string())])


@dataclass
class Door:
    """What becomes of customer ids.

    Parameters
    ----------
    key : Key or None
        The secret key; None where nothing needs it.
    pseudonyms : bool
        Whether ids are replaced.
    tombstones : Tombstones
        Who was forgotten.

    Examples
    --------
    >>> Door().idle, Door(Key(b"x" * 32), pseudonyms=True).idle
    (True, False)
    """

    key: Key | None = None
    pseudonyms: bool = False
    tombstones: Tombstones = field(default_factory=Tombstones)
    _seen: dict[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, config: Config) -> Door:
        """The door of a configuration.

        Raises
        ------
        ConfigError
            The key is needed and is not there, too short, readable by others, or not the one that was used before.
        StorageError
            The tombstones cannot be read.
        """
        tombstones = Tombstones.read(config.folder)
        if not tombstones and not config.privacy.pseudonyms:
            return cls()
        key = key_of(config)
        tombstones.check_key(key)
        return cls(key, config.privacy.pseudonyms, tombstones)

    @property
    def idle(self) -> bool:
        """Whether every id passes as it is."""
        return self.key is None

    @property
    def facts(self) -> tuple[str, ...]:
        """What a ledger depends on beside its sources: the key of its pseudonyms, and who was erased."""
        if self.key is None:
            return ()
        named = (f"pseudonyms {self.key.fingerprint}",) if self.pseudonyms else ()
        return (*named, f"erased {self.tombstones.digest}") if self.tombstones else named

    @property
    def plain_ids(self) -> pa.Table | None:
        """The ids behind the pseudonyms met so far, for notes that compare them; kept in memory only."""
        if not self.pseudonyms:
            return None
        return pa.table([pa.array(self._seen.keys(), pa.string()), pa.array(self._seen.values())], schema=_PLAIN)

    def admit(self, con: Connection, mapping: Mapping[str, str]) -> None:
        """Let the lines of `raw` in; may replace the table."""
        con.execute("DROP TABLE IF EXISTS erased")
        if self.key is None:
            return
        roles = _roles_of_ids(mapping)
        texts = " UNION ALL ".join(f"SELECT {role} AS v FROM raw WHERE {role} IS NOT NULL" for role in roles)
        self._settle(con, texts)
        self._split_off(con, self.key)
        if self.pseudonyms:
            _rename(con, roles)
        elif "referred_by" in roles:
            gone = "SELECT v FROM known WHERE erased"
            con.execute(f"UPDATE raw SET referred_by = NULL WHERE referred_by IN ({gone})")
        con.execute("DROP TABLE known")

    def admitted(self, con: Connection) -> str:
        """The same for the view `lines` of canonical purchases: the name of the view to read instead."""
        con.execute("DROP TABLE IF EXISTS erased")
        if self.key is None:
            return "lines"
        self._settle(con, "SELECT customer_id AS v FROM lines")
        con.execute(
            "CREATE VIEW admitted AS SELECT lines.* REPLACE (known.name AS customer_id) FROM lines "
            "LEFT JOIN known ON lines.customer_id = known.v"
        )
        return "admitted"

    def _settle(self, con: Connection, texts: str) -> None:
        """Make `known`: every text that a query gives, its name behind the door, and whether it was erased."""
        con.execute(f"CREATE OR REPLACE TABLE known AS SELECT DISTINCT v, {cleaned_sql('v')} AS clean FROM ({texts})")
        found = con.sql("SELECT DISTINCT clean FROM known WHERE clean IS NOT NULL").to_arrow_table()
        ids = found.column("clean").to_pylist()
        names = self._named(ids)
        gone = set(self.tombstones.among(self.key, ids)) if self.key and self.tombstones else set()
        con.register(
            "found", pa.table({"clean": ids, "name": names, "erased": [i in gone for i in ids]}, schema=_FOUND)
        )
        con.execute(
            "CREATE OR REPLACE TABLE known AS SELECT v, known.clean, name, coalesce(erased, false) AS erased "
            "FROM known LEFT JOIN found USING (clean)"
        )
        con.unregister("found")
        if gone:
            con.execute("CREATE TABLE erased AS SELECT DISTINCT name AS customer_id FROM known WHERE erased")

    def _named(self, ids: list[str]) -> list[str]:
        """What ids are called behind the door."""
        if not self.pseudonyms or self.key is None:
            return ids
        pseudonym = self.key.pseudonyms()
        names = [pseudonym(i) for i in ids]
        self._seen.update(zip(names, ids, strict=True))
        return names

    def _split_off(self, con: Connection, key: Key) -> None:
        """Of lines that cannot be split into fields, find those in whose text an erased id stands."""
        if self.tombstones:
            lines = fetched(con, "SELECT seq, raw FROM raw WHERE fault IS NOT NULL AND raw IS NOT NULL")
            found = [(seq, i) for seq, text in lines if (i := self.tombstones.inside(key, text)) is not None]
            if found:
                names = self._named([i for _, i in found])
                con.register("found", pa.table({"seq": [seq for seq, _ in found], "name": names}))
                con.execute("CREATE TABLE IF NOT EXISTS erased (customer_id VARCHAR)")
                con.execute("INSERT INTO erased SELECT DISTINCT name FROM found ANTI JOIN erased ON customer_id = name")
                if self.pseudonyms:  # `_rename` looks every customer up.
                    con.execute("INSERT INTO known SELECT DISTINCT name, name, name, true FROM found")
                con.execute("UPDATE raw SET customer_id = found.name FROM found WHERE raw.seq = found.seq")
                con.unregister("found")
        if self.pseudonyms:
            con.execute(f"UPDATE raw SET raw = '{NOT_KEPT}' WHERE fault IS NOT NULL AND raw IS NOT NULL")


_FOUND = pa.schema([("clean", pa.string()), ("name", pa.string()), ("erased", pa.bool_())])


def _roles_of_ids(mapping: Mapping[str, str]) -> list[str]:
    """The roles that hold customers' ids, be it under another meaning, too."""
    columns = {mapping[role] for role in ("customer_id", "referred_by") if role in mapping}
    return [role for role, column in mapping.items() if column in columns and is_text(role)]


def _rename(con: Connection, roles: list[str]) -> None:
    """Put the names into `raw`. One that had to be cleaned keeps a space, so that the repair is counted."""
    named = {role: f"n_{role}.name || CASE WHEN n_{role}.v <> n_{role}.clean THEN ' ' ELSE '' END" for role in roles}
    if "referred_by" in named:
        named["referred_by"] = f"CASE WHEN NOT n_referred_by.erased THEN {named['referred_by']} END"
    replaced = ", ".join(f"{sql} AS {role}" for role, sql in named.items())
    joins = " ".join(f"LEFT JOIN known n_{role} ON raw.{role} = n_{role}.v" for role in roles)
    con.execute(f"CREATE TABLE renamed AS SELECT raw.* REPLACE ({replaced}) FROM raw {joins}")
    con.execute("DROP TABLE raw")
    con.execute("ALTER TABLE renamed RENAME TO raw")


def erased_sql(con: Connection, customer: str = "customer_id") -> str:
    """SQL that is true for the lines of erased customers; `false` where there are none, which costs nothing."""
    ((n,),) = fetched(con, "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'erased'")
    return f"coalesce({customer} IN (SELECT customer_id FROM erased), false)" if n else "false"


def cleaned_ids(ids: Sequence[str]) -> list[str | None]:
    """Ids as the intake keeps them, in their order; None where nothing is left of one.

    Examples
    --------
    >>> cleaned_ids([" ann\u00a0", "  "])
    ['ann', None]
    """
    with closing(duckdb.connect(":memory:", config={"python_enable_replacements": "false"})) as con:
        con.register("given", pa.table({"place": range(len(ids)), "v": pa.array(ids, pa.string())}))
        return [clean for (clean,) in fetched(con, f"SELECT {cleaned_sql('v')} FROM given ORDER BY place")]
