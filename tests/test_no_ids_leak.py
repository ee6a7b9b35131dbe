"""Nobody is named where nobody need be: ids, e-mails and secrets planted in bad data, looked for in all that is said.

In: 50 planted customers, 20 secrets, data with errors of all kinds. Out: nothing of them on the screen, in figures, in
the model store, its artefacts, the caches or the pages. Ledgers, scores and predictions are data, and excepted.
"""

from __future__ import annotations

import contextlib
import hashlib
import html
import io
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from regulars import cli
from regulars.intake.keys import VARIABLE

from .simulated import PLANTED, purchases, written


def _hashed(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]


CODES = [_hashed(f"customer {i}", 24) for i in range(40)]
MAILS = [f"{_hashed(f'name {i}', 6)}.zimmermann@mail{i}.example.org" for i in range(10)]
SECRETS = [f"pw-{_hashed(f'secret {i}', 20)}" for i in range(20)]
KEY = f"key-{_hashed('key', 40)}"
WORDS = [*CODES, *MAILS, *SECRETS, KEY, "zimmermann"]

DATA = ("purchases.csv", "people.csv", "consent.csv", "events.csv", "regulars.toml")
SCORES = {"scores.csv", "scores.parquet", "horizons.parquet", "prospects.parquet", "movers.csv"}
"""Of a run of scores; what else lies in it names nobody."""
PRIVATE = (".regulars/ledger/", ".regulars/backtests/", "decisions/exports/", "decisions/quarantine/")
OFFERS = """
[campaign]
name = "spring"
control = 0.3

[[channels]]
name = "mail"
cost = 0.01

[[offers]]
id = "tea"
type = "gift"
title = "A tea"
value = 0.1
minimum_spend = 1
channels = ["mail"]
response = { save = [0.1, 0.2, 0.4] }
"""


def run(*arguments: object) -> tuple[int, str]:
    """How a command ends, and everything that it prints."""
    said, code = io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        patch.setattr(sys, "argv", ["regulars", *map(str, arguments)])
        patch.setenv(VARIABLE, KEY)
        try:
            cli.main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    return code, said.getvalue()


def leaked(text: str) -> list[str]:
    """The planted words in a text, as it is or as HTML writes it."""
    plain = html.unescape(text)
    return [word for word in WORDS if word in text or word in plain]


def contents(folder: Path) -> Iterator[tuple[str, str]]:
    """Every file that is not data, as text; of a database also its cells."""
    for file in sorted(folder.rglob("*")):
        name = str(file.relative_to(folder))
        is_data = name in DATA or name.startswith(PRIVATE) or (name.startswith("scores/runs/") and file.name in SCORES)
        is_data |= name.startswith("decisions/waves/") and file.name == "decisions.parquet"
        if file.is_file() and not is_data:
            yield name, file.read_bytes().decode("utf-8", "replace")
            if file.suffix == ".db":
                with contextlib.closing(sqlite3.connect(file)) as db:
                    yield name, "\n".join(db.iterdump())


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the purchases of a small shop, of whose customers 50 are planted and some lines are broken."""
    folder, frame = tmp_path_factory.mktemp("leak"), purchases()
    planted = {f"{PLANTED}{i:05d}": word for i, word in enumerate([*CODES, *MAILS])}
    owner = frame["customer_id"].map(planted)
    frame["order_id"] = frame["order_id"].where(owner.isna(), owner + "-order")
    frame["customer_id"] = owner.fillna(frame["customer_id"])
    more = 'max_bad_share = 0.2\n\n[data.customers]\npath = "people.csv"\ncustomer_id = "who"\nreferred_by = "by"\n'
    said = '\n[data.consent]\npath = "consent.csv"\ncustomer_id = "who"\nrecorded_at = "at"\nstatus = "said"\n'
    said += 'all_of_channel = "mail"\nall_of_purpose = "marketing"\n'
    config = written(folder, frame)
    text = config.read_text().replace("\n[target]", f'{more}max_bad_share = 1\nattributes = ["town"]\n{said}\n[target]')
    config.write_text(text)
    broken = [
        f"{CODES[0]},2024-01-05T10:00:00,x-1,unknown,1,p,,0\n",  # no amount
        f"{MAILS[0]},,x-2,1,1,p,,0\n",  # no date
        f"{MAILS[1]},2024-02-31T10:00:00,{MAILS[1]},1,1,p,,0\n",  # no date that exists, and an address as the order
        f" {CODES[1]} ,2023-12-05T10:00:00,{CODES[1]} ,5,1,p,,0\n",  # spaces to be put right
        f"00{CODES[2]},2023-12-05T10:00:00,x-4,5,1,p,,0\n",  # a twin by leading zeros
        f"{CODES[3].upper()},2023-12-05T10:00:00,x-5,5,1,p,,0\n",  # a twin by capitals
        f"{MAILS[2]},2023-12-05T10:00:00,{CODES[4]},5,1,p,,0,too,many\n",  # cannot be split into fields
        f"{CODES[5]},2023-12-05T10:00:00,x-6,5.123456,1,p,,0\n",  # more decimals than there are
    ]
    with (folder / "purchases.csv").open("a", encoding="utf-8") as file:
        file.writelines(broken)
    people = [f"{w},{CODES[(i + 1) % 40]},town {i % 3}\n" for i, w in enumerate([*CODES, *MAILS])]
    people += [f"{CODES[6]},{CODES[9]},other\n", f"{MAILS[3].upper()},,\n", f"0{CODES[7]},{MAILS[4]} ,town 1\n"]
    (folder / "people.csv").write_text("who,by,town\n" + "".join(people), encoding="utf-8")
    consent = [f"{who},2023-01-01,yes\n" for who in [*CODES, *MAILS]] + [f" {CODES[8]},2023-06-01,no\n"]
    (folder / "consent.csv").write_text("who,at,said\n" + "".join(consent), encoding="utf-8")
    (folder / "offers.toml").write_text(OFFERS, encoding="utf-8")
    return folder


def events_of(shop: Path) -> Path:
    """What came back of the offers: of one who is planted, of somebody unknown, and a row that names one."""
    wave = next((shop / "decisions" / "waves").iterdir())
    table = pq.read_table(wave / "decisions.parquet", filters=[("offer", "!=", "")]).to_pylist()
    decision = next(row["decision_id"] for row in table if row["customer_id"] in {*CODES, *MAILS})
    lines = [f"a,{decision},sent,2024-03-01", f"{CODES[30]},{'0' * 32},{MAILS[6]},2024-03-01"]
    (shop / "events.csv").write_text("event_id,decision_id,kind,occurred_at\n" + "\n".join(lines) + "\n")
    return shop / "events.csv"


def test_no_command_says_writes_or_logs_whom_it_is_about(shop: Path) -> None:
    config = shop / "regulars.toml"
    for command, more in (
        ("check", ("--json", shop / "check.json")),
        ("train", ("--json", shop / "train.json")),
        ("score", ("--json", shop / "score.json")),
        ("report", ("--json", shop / "report.json")),
        ("kpis", ("--json", shop / "kpis.json", "--out", shop / "kpis")),
        ("segments", ("--json", shop / "segments.json")),
        ("loyalty", ("--json", shop / "loyalty.json")),
        ("relations", ("--json", shop / "relations.json")),
        ("whatif", ("--json", shop / "whatif.json")),
        ("meeting", ("--json", shop / "meeting.json")),
        ("offers plan", ("--json", shop / "offers.json")),
        ("offers assign", ("--json", shop / "assign.json")),
        ("offers export", ("--channel", "mail")),
        ("offers log-events", (shop / "events.csv",)),
        ("plan", ()),
        ("doctor", ()),
        ("forget", (CODES[10], MAILS[5], "--json", shop / "forget.json")),
        ("check", ("--json", shop / "after.json")),
    ):
        if command == "offers log-events":
            events_of(shop)
        code, said = run("--log", "text" if command == "report" else "json", *command.split(), config, *more)
        assert (command, code) == (command, 7 if command == "offers log-events" else 0), said
        assert (command, leaked(said)) == (command, [])
    found = list(contents(shop))
    names = {name for name, _ in found}
    assert {
        ".regulars/journal.jsonl",
        "check.json",
        "check.html",
        "train.json",
        "report.html",
        "mlruns/mlflow.db",
        "forget.json",
    } <= names
    assert sum(name.startswith("mlruns/artifacts/") for name in names) > 10
    assert {name: words for name, text in found if (words := leaked(text))} == {}
    # What they were looked for in was really about them.
    assert set(leaked((shop / "scores" / "latest" / "scores.csv").read_text())) >= {CODES[20], MAILS[7]}
    assert CODES[10] not in (shop / "scores" / "latest" / "scores.csv").read_text()


def _toml(purchases: str, more: str = "") -> str:
    mapped = 'customer_id = "id"\npurchased_at = "when"\namount = "money"\n'
    return f"[data.purchases]\n{mapped}{purchases}\n{more}\n"


def _url(url: str) -> str:
    return _toml(f'url = "{url}"\ntable = "sales"')


FILES = {
    "too many bad lines": "id,when,money\n{id},2024-01-05,x\n{id},,1\n{id},1,1,1,1\n",
    "ids for money": "id,when,money\n1,2024-01-05,{id}\n1,2024-01-06,2.5\n",
    "ids for dates": "id,when,money\n1,{id},1\n1,2024-01-05,1\n",
    "no header": "{id},2024-01-05,1\n",
    "a header twice": "{id},{id},money\n",
    "an open quote": 'id,when,money\n"{id},2024-01-05,1\nb,2024-01-05,1\nc,2024-01-05,1\n',
    "nobody": "id,when,money\n,2024-01-05,1\n",
}
URLS = (
    "mysql://ann:{secret}@localhost/shop",
    "oracle+nothing://ann:{secret}@localhost:1/shop?token={secret}",
    "sqlite:///{secret}.db",
    "mssql://{secret}@localhost/shop",
    "mysql://ann:{secret}/x@y@localhost/shop",
)


@pytest.mark.parametrize("text", FILES.values(), ids=FILES.keys())
@pytest.mark.parametrize("who", [CODES[0], MAILS[0]], ids=["code", "address"])
def test_no_error_names_a_customer(tmp_path: Path, text: str, who: str) -> None:
    (tmp_path / "a.csv").write_text(text.replace("{id}", who))
    (tmp_path / "regulars.toml").write_text(_toml('path = "a.csv"'))
    code, said = run("check", tmp_path / "regulars.toml")
    assert code in (2, 3), said
    assert "Traceback" not in said
    assert leaked(said) == []


@pytest.mark.parametrize("number", range(len(SECRETS)))
def test_no_error_tells_a_secret(tmp_path: Path, number: int) -> None:
    url, secret = URLS[number % len(URLS)], SECRETS[number]
    file = tmp_path / "regulars.toml"
    if url.startswith("sqlite"):
        # A path is no secret; the key of the folder is.
        (tmp_path / "key").write_text(secret[:20])
        (tmp_path / "key").chmod(0o600)
        (tmp_path / "a.csv").write_text("id,when,money\na,2024-01-05,1\n")
        file.write_text(_toml('path = "a.csv"', '[privacy]\npseudonyms = true\nkey_file = "key"'))
    else:
        file.write_text(_url(url.replace("{secret}", secret)))
    code, said = run("check", file)
    assert code not in (0, 70), said
    assert secret[:20] not in said
    assert leaked(said) == []
