"""Into production and out of it by hand, what the card says then, and rollbacks from there."""

from __future__ import annotations

import json

import pytest
from support.run_fixture import run_files, run_record
from test_registry import check, put
from test_registry_history import content, now, own_files, runs

from kmidi_lab.contracts import HARMONY
from kmidi_lab.errors import ConfigError, RegistryError
from kmidi_lab.registry.entry import registry_entry
from kmidi_lab.registry.history import demote, promote, rollback
from kmidi_lab.registry.registry import publish
from kmidi_lab.registry.versions import sealed

CARD = f"{HARMONY.id}.card.md"


def test_promote_and_roll_back_from_production(tmp_path):
    put(tmp_path, "a")
    put(tmp_path, "b")
    files = own_files(tmp_path)
    entry = promote(tmp_path, HARMONY.id, "listened to it")
    assert entry == now(tmp_path) and entry["status"] == "production"
    assert {k: v for k, v in own_files(tmp_path).items() if k != CARD} == {k: v for k, v in files.items() if k != CARD}
    assert entry["status_reason"].startswith("promoted: listened to it; beats 4-gram")
    assert entry["note"].startswith("In production: listened to it. beats 4-gram")
    line = entry["history"][0]
    assert line["replaced_because"] == "promoted to production: listened to it"
    assert (line["status"], line["kept"]) == ("trained", False)
    check(tmp_path)
    with pytest.raises(RegistryError, match=r"in production .run run-b. and stays"):
        put(tmp_path, "c")
    assert rollback(tmp_path, HARMONY.id, None, "b fails on air")["training"]["run_id"] == "run-a"
    back = rollback(tmp_path, HARMONY.id, None, "fixed")
    assert (back["training"]["run_id"], back["status"]) == ("run-b", "production")
    assert runs(tmp_path) == ["run-a", "run-b", "run-b", "run-a"]
    check(tmp_path)


def test_a_new_version_follows_one_in_production(tmp_path):
    put(tmp_path, "a")
    promote(tmp_path, HARMONY.id, "first")
    with pytest.raises(RegistryError, match=f"registry.action=demote registry.model={HARMONY.id}"):
        put(tmp_path, "b")
    entry = demote(tmp_path, HARMONY.id, "b\n is better")
    assert entry == now(tmp_path) and entry["status"] == "trained"
    assert entry["status_reason"].startswith("demoted: b is better; beats 4-gram")
    assert entry["note"].startswith("Out of production: b is better. beats 4-gram")
    assert entry["history"][0]["replaced_because"] == "demoted to trained: b is better"
    assert (entry["history"][0]["status"], entry["history"][0]["kept"]) == ("production", False)
    check(tmp_path)
    put(tmp_path, "b")
    assert promote(tmp_path, HARMONY.id, "second")["training"]["run_id"] == "run-b"
    assert [(h["run_id"], h["status"], h["kept"]) for h in now(tmp_path)["history"]] == [
        ("run-b", "trained", False), ("run-a", "trained", True), ("run-a", "production", False),
        ("run-a", "trained", False),
    ]  # fmt: skip
    assert rollback(tmp_path, HARMONY.id, None, "b fails on air")["training"]["run_id"] == "run-a"
    check(tmp_path)


def test_promoting_and_demoting_does_not_pile_up_reasons(tmp_path):
    put(tmp_path, "a")
    earned = now(tmp_path)["status_reason"]
    for change in (promote, demote, promote, demote):
        change(tmp_path, HARMONY.id, "why")
    assert now(tmp_path)["status_reason"] == f"demoted: why; {earned}"
    assert now(tmp_path)["note"] == f"Out of production: why. {earned}."


def test_only_production_is_demoted(tmp_path):
    put(tmp_path, "a")
    before = content(tmp_path)
    with pytest.raises(RegistryError, match="not demoted, it is trained; only a model in production"):
        demote(tmp_path, HARMONY.id, "why")
    with pytest.raises(ConfigError, match=r'registry\.reason="why you demote"'):
        demote(tmp_path, HARMONY.id, " ")
    assert content(tmp_path) == before


def test_the_card_tells_the_status_and_nothing_else_of_it_changes(tmp_path):
    put(tmp_path, "a")
    before = (tmp_path / CARD).read_text()
    promote(tmp_path, HARMONY.id, r"a \1 *star*")
    now_told = [line for line in (tmp_path / CARD).read_text().splitlines() if line not in before.splitlines()]
    assert len(now_told) == 1 and now_told[0].startswith(
        r"Status **production**: promoted: a \\1 \*star\*; beats 4-gram"
    )
    demote(tmp_path, HARMONY.id, "why")
    assert (tmp_path / CARD).read_text().count("Status **") == 1
    check(tmp_path)


@pytest.mark.parametrize(
    ("card", "says"), [(b"no such line", "no line that begins"), (None, "can't be read"), ("changed", "changed")]
)
def test_a_card_that_cannot_follow_is_said_and_keeps_nothing_in_production(tmp_path, card, says, caplog):
    files = {**run_files(HARMONY.id), CARD: b"no such line" if card == b"no such line" else b"Status **trained**: it."}
    publish(tmp_path, registry_entry(run_record(), HARMONY, files), files)
    promote(tmp_path, HARMONY.id, "why")
    if card is None:
        (tmp_path / CARD).unlink()
    elif card == "changed":
        (tmp_path / CARD).write_text("by hand")
    assert demote(tmp_path, HARMONY.id, "why")["status"] == "trained"
    assert "the model card still states the old status" in caplog.text and says in caplog.text
    assert card is None or (tmp_path / CARD).read_bytes() == (b"by hand" if card == "changed" else card)


def test_a_model_in_production_from_elsewhere_is_demoted(tmp_path, caplog):
    theirs = {
        "id": HARMONY.id, "file": "h.json", "format": "rtneural-json", "task": "harmony_prediction", "input_size": 128,
        "output_size": 64, "status": "production", "note": "theirs", "model_card": "../card.md",
    }  # fmt: skip
    (tmp_path / "registry.json").write_text(json.dumps({"registry_version": "1.0", "models": [theirs]}))
    assert demote(tmp_path, HARMONY.id, "why")["status_reason"] == "demoted: why; theirs"
    assert "not among the files of the entry" in caplog.text
    put(tmp_path, "a")


@pytest.mark.parametrize("worse", ["status", "data"])
def test_a_rollback_to_a_worse_version_is_loud(tmp_path, worse, caplog):
    if worse == "status":
        put(tmp_path, "a", beats=False)
    else:
        put(tmp_path, "a")
        path = tmp_path / "registry.json"
        registry = json.loads(path.read_text())
        registry["models"][0]["stand_in"] = "made up"
        path.write_text(json.dumps(registry))
    put(tmp_path, "b")
    says = (
        "has status training (the replaced one: trained)"
        if worse == "status"
        else "on stand-in data (the replaced one: on real data)"
    )
    because = rollback(tmp_path, HARMONY.id, None, "why")["history"][0]["replaced_because"]
    assert because.startswith("rolled back: why; WARNING: this version ") and because.endswith(says)
    assert says in caplog.text
    caplog.clear()
    assert rollback(tmp_path, HARMONY.id, None, "up")["history"][0]["replaced_because"] == "rolled back: up"
    assert not caplog.text


def test_stand_in_data_in_production_is_said(tmp_path, caplog):
    put(tmp_path, "a")
    path = tmp_path / "registry.json"
    registry = json.loads(path.read_text())
    registry["models"][0] = sealed({**registry["models"][0], "stand_in": "made up"})
    path.write_text(json.dumps(registry))
    promote(tmp_path, HARMONY.id, "a trial")
    assert "stand-in data: made up" in caplog.text


@pytest.mark.parametrize("change", [promote, lambda root, name, why: rollback(root, name, None, why)])
def test_what_promote_and_rollback_refuse(tmp_path, change):
    with pytest.raises(RegistryError, match="harmonypredictor is not published there; published: nothing"):
        change(tmp_path / "none", HARMONY.id, "why")
    assert not (tmp_path / "none").exists()
    put(tmp_path, "a", beats=False)
    before = content(tmp_path)
    with pytest.raises(ConfigError, match=r'registry\.reason="'):
        change(tmp_path, HARMONY.id, "  ")
    with pytest.raises(RegistryError, match=r"not promoted, it is training|no earlier version is kept"):
        change(tmp_path, HARMONY.id, "why")
    assert content(tmp_path) == before
