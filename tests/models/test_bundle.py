"""The bundle: the same model to the bit after a round trip, and no other file than its own before anything is used."""

from __future__ import annotations

import hashlib
import json
import pickletools
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from regulars.errors import NoModel
from regulars.features import family as catalogue
from regulars.features.family import families
from regulars.models import bundle
from regulars.models.boosted import Boosted
from regulars.models.bundle import card_in, load, save
from regulars.models.seal import bundle_digest
from regulars.pipelines.score import score
from regulars.pipelines.train import fit_model

from ..simulated import config_of, shop, trained

FILES = (
    "amounts_30_rich.ubj",
    "card.json",
    "card.md",
    *(f"churn_30_{member}.ubj" for member in ("plain", "rich", "seeded")),
    "manifest.json",
    "model.json",
    "orders_30_seeded.ubj",
    *(f"timing_{days}_{member}.ubj" for days in (14, 60, 7, 90) for member in ("rich", "seeded")),
    *(f"value_30_{member}.ubj" for member in ("plain", "rich", "seeded")),
)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle") / "model"
    save(trained().model, folder)
    return folder


@pytest.fixture
def copied(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy to be spoilt, of which no booster may ever reach XGBoost."""

    def never(*_: object) -> Boosted:
        raise AssertionError("a booster was read before the bundle was checked")

    monkeypatch.setattr(Boosted, "loaded", never)
    return Path(shutil.copytree(saved, tmp_path / "model"))


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


@pytest.mark.parametrize("threads", [1, 2])
def test_a_model_comes_back_from_its_bundle_and_scores_the_same_bits(saved: Path, threads: int) -> None:
    back = load(saved, threads)
    pd.testing.assert_frame_equal(
        score(shop(), back, threads=1), score(shop(), trained().model, threads=1), check_exact=True
    )
    for name in ("trained_on", "history_starts", "rules", "shape", "prior", "profile", "begins", "currency"):
        assert getattr(back, name) == getattr(trained().model, name), name
    assert back.reference.to_dict() == trained().model.reference.to_dict()
    assert tuple(back.churn.ensemble.boosters) == ("plain", "rich", "seeded")


def test_a_bundle_saved_again_is_the_same_bytes(saved: Path, tmp_path: Path) -> None:
    save(load(saved), tmp_path / "again", card_in(saved))
    assert {p.name: p.read_bytes() for p in saved.iterdir()} == {
        p.name: p.read_bytes() for p in (tmp_path / "again").iterdir()
    }


def test_a_bundle_is_universal_binary_json_and_json_and_nothing_in_it_is_a_pickle(saved: Path) -> None:
    assert sorted(p.name for p in saved.iterdir()) == sorted(FILES)
    for file in saved.iterdir():
        content = file.read_bytes()
        if file.suffix == ".json":
            json.loads(content)
        elif file.suffix == ".md":
            assert content.startswith(b"# Model card")
        else:
            # UBJ begins an object with a brace, which is no opcode of pickle.
            assert content[:1] == b"{"
        with pytest.raises(ValueError, match=r"opcode|pickle"):
            list(pickletools.genops(content))


def test_no_customer_is_named_in_a_bundle(saved: Path) -> None:
    ids = [i.encode() for i in score(shop(), trained().model, threads=1)["customer_id"]]
    text = (saved / "model.json").read_bytes()
    assert not [i for i in ids if b'"' + i + b'"' in text]


@pytest.mark.parametrize("name", [f for f in FILES if f != "manifest.json"])
def test_one_bit_flipped_anywhere_in_a_file_is_refused_before_use(copied: Path, name: str) -> None:
    content = (copied / name).read_bytes()
    for at in (0, 1, len(content) // 3, len(content) // 2, len(content) - 1):
        (copied / name).write_bytes(flipped(content, at))
        with pytest.raises(NoModel, match="was changed") as refused:
            load(copied)
        assert name in str(refused.value)
        assert refused.value.exit_code == 6


@pytest.mark.parametrize("name", FILES)
def test_a_file_removed_emptied_or_cut_is_refused_before_use(copied: Path, name: str) -> None:
    content = (copied / name).read_bytes()
    for spoilt in (b"", content[:-1], content[: len(content) // 2]):
        (copied / name).write_bytes(spoilt)
        with pytest.raises(NoModel):
            load(copied)
    (copied / name).unlink()
    with pytest.raises(NoModel):
        load(copied)


@pytest.mark.parametrize("more", ["evil.py", "model.pkl", ".hidden", "churn_30_plain.ubj.bak"])
def test_a_file_too_many_is_refused_before_use(copied: Path, more: str) -> None:
    (copied / more).write_bytes(b"print('hello')")
    with pytest.raises(NoModel, match="was changed") as refused:
        load(copied)
    assert more in str(refused.value)


def test_a_folder_too_many_is_refused_before_use(copied: Path) -> None:
    (copied / "code").mkdir()
    with pytest.raises(NoModel, match="code"):
        load(copied)


def test_two_files_swapped_are_refused_before_use(copied: Path) -> None:
    plain, rich = copied / "churn_30_plain.ubj", copied / "churn_30_rich.ubj"
    first, second = plain.read_bytes(), rich.read_bytes()
    plain.write_bytes(second)
    rich.write_bytes(first)
    with pytest.raises(NoModel, match="churn_30_plain"):
        load(copied)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '{"sha256": []}', '{"sha256": {}}', '{"format": 1}', '{"sha256": "x"}']
)
def test_a_manifest_that_is_none_is_refused_before_use(copied: Path, content: str) -> None:
    (copied / "manifest.json").write_text(content)
    with pytest.raises(NoModel):
        load(copied)


def test_a_manifest_made_anew_for_other_files_is_not_the_one_that_was_registered(saved: Path, copied: Path) -> None:
    digest = bundle_digest(saved)
    content = (copied / "card.md").read_bytes() + b"trust me"
    (copied / "card.md").write_bytes(content)
    manifest = json.loads((copied / "manifest.json").read_text())
    manifest["sha256"]["card.md"] = hashlib.sha256(content).hexdigest()
    (copied / "manifest.json").write_text(json.dumps(manifest, indent=1))
    with pytest.raises(NoModel, match=r"was changed.*manifest\.json"):
        load(copied, digest=digest)


@pytest.mark.parametrize("name", ["model.json", "manifest.json", "churn_30_plain.ubj"])
def test_a_link_in_place_of_a_file_is_refused_even_to_the_same_bytes(copied: Path, name: str) -> None:
    (copied / name).rename(copied.parent / "elsewhere")
    (copied / name).symlink_to(copied.parent / "elsewhere")
    with pytest.raises(NoModel, match="links"):
        load(copied)


def test_a_manifest_that_points_outside_is_refused_before_use(copied: Path) -> None:
    manifest = json.loads((copied / "manifest.json").read_text())
    manifest["sha256"]["../outside"] = "0" * 64
    (copied.parent / "outside").write_bytes(b"")
    (copied / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(NoModel):
        load(copied)


def test_every_bit_of_the_manifests_hashes_counts(copied: Path) -> None:
    content = (copied / "manifest.json").read_bytes()
    for name in (f for f in FILES if f != "manifest.json"):
        at = content.index(name.encode()) + len(name) + 10
        (copied / "manifest.json").write_bytes(flipped(content, at))
        with pytest.raises(NoModel):
            load(copied)


def test_a_folder_that_is_no_bundle_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(NoModel, match="is not a model bundle"):
            load(folder)


def test_a_bundle_of_another_format_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "FORMAT", bundle.FORMAT + 1)
    save(trained().model, tmp_path / "newer")
    monkeypatch.undo()
    with pytest.raises(NoModel, match=f"has format {bundle.FORMAT + 1}"):
        load(tmp_path / "newer")


@pytest.mark.soak
def test_the_users_own_families_travel_with_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    families()
    monkeypatch.setattr(catalogue, "_REGISTERED", dict(catalogue._REGISTERED))
    text = """
from regulars import Feature, family

@family("loyal")
def loyal(past, reference):
    yield Feature("days_per_order", "days", "days of age per purchase", past.all().sum("day") / 1.0)
"""
    (tmp_path / "mine.py").write_text(text, encoding="utf-8")
    config = config_of(features={"modules": ["mine.py"]}).model_copy(update={"folder": tmp_path})
    found = fit_model(shop(), config).model
    assert "loyal" in found.shape.families
    save(found, tmp_path / "bundle")
    (tmp_path / "mine.py").unlink()
    script = (
        "import sys; from pathlib import Path; from regulars.models.bundle import load; "
        "from regulars.features.family import plan_for; "
        "print(plan_for(load(Path(sys.argv[1])).shape).names[-1])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "bundle")], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "days_per_order"
    assert str(tmp_path) not in (tmp_path / "bundle" / "model.json").read_text(encoding="utf-8")
