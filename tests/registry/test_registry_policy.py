from __future__ import annotations

import re
from dataclasses import asdict

import pytest
from support.run_fixture import run_record

from kmidi_lab.registry.policy import earned_by, entry_status, may_promote, may_replace, step_down
from kmidi_lab.run_record import Identity, RunRecord


@pytest.mark.parametrize(
    ("old", "new", "allowed"),
    [
        (None, "training", True), ("stub", "training", True), ("training", "training", True),
        ("training", "trained", True), ("deprecated", "training", True), ("trained", "trained", True),
        ("production", "trained", False),
        ("trained", "training", False), ("production", "training", False),
    ],
)  # fmt: skip
def test_what_may_replace_what(old, new, allowed):
    ok, reason = may_replace(old and {"id": "m1", "status": old, "training": {"run_id": "r1"}}, new)
    assert ok is allowed and reason
    if not allowed:
        assert "r1" in reason and old in reason


def test_what_is_in_production_says_how_to_replace_it():
    old = {"id": "m1", "status": "production", "training": {"run_id": "r1"}}
    assert (
        "type task=registry registry.action=demote registry.model=m1 registry.reason=" in may_replace(old, "trained")[1]
    )
    assert 'registry.reason="why" models_root=mine, then' in may_replace(old, "trained", models_root="mine")[1]


def test_what_a_published_model_earned():
    run = run_record(beats=True)
    entry = {"primary": asdict(run.primary), "status_reason": "promoted: why; beats it"}
    assert earned_by(entry) == run.export.reason
    assert earned_by({"status_reason": "theirs", "note": "a note"}) == "theirs"
    assert earned_by({"note": "a note"}) == "a note"
    assert earned_by({"primary": {"their": "verdict"}, "note": "a note"}) == "a note"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("trained", "training", "has status training (the replaced one: trained)"),
        ("production", "stub", "has status stub (the replaced one: production)"),
        ("production", "trained", ""), ("training", "training", ""), ("stub", "training", ""),
    ],
)  # fmt: skip
def test_a_step_down_is_said(old, new, says):
    assert says in step_down({"status": old}, {"status": new})
    assert bool(says) == bool(step_down({"status": old}, {"status": new}))
    made_up = {"status": new, "stand_in": "made up"}
    assert "stand-in data (the replaced one: on real data)" in step_down({"status": old}, made_up)
    assert "stand-in" not in step_down({"status": old, "stand_in": "made up"}, made_up)


def test_status_of_a_run():
    status, reason = entry_status(run_record(beats=True))
    assert status == "trained" and "4-gram+cache on test perplexity (7.121 against 8.302)" in reason
    status, reason = entry_status(run_record(beats=False))
    assert status == "training" and "does not beat 4-gram+cache" in reason
    assert entry_status(RunRecord(Identity())) == ("training", "no baseline was scored")
    run = run_record(beats=True)
    run.primary.not_comparable = "the baselines saw less"
    assert entry_status(run) == ("training", "no fair comparison: the baselines saw less")
    assert entry_status(RunRecord(Identity(status="failed", error="no data"))) == (
        "training",
        "the run failed: no data",
    )


def test_a_metric_that_falls_short_is_named():
    run = run_record(beats=True)
    run.primary.also[0].beats_baselines, run.primary.also[0].value = False, 0.524
    assert "top1 (0.524 against 0.54)" in entry_status(run)[1]


def test_a_stand_in_never_replaces_real_data():
    old = {"status": "trained", "training": {"run_id": "r1"}, "stand_in": None}
    assert not may_replace(old, "trained", "stands in")[0]
    assert may_replace({**old, "stand_in": "stands in"}, "trained", "stands in")[0]
    assert may_replace(old, "trained", None)[0]


TRAINED = {
    "status": "trained",
    "primary": {"beats_baselines": True},
    "rtneural_path": "m.json",
    "parity": {"onnx": 1e-6, "rtneural_reader": 1e-4, "rtneural": None, "tolerance": 1e-4, "calls": 4102},
}


def test_a_proved_model_that_beats_its_baselines_may_be_promoted():
    assert may_promote(TRAINED)[0]
    without = {"onnx": 0.0, "rtneural_reader": None, "tolerance": 1e-4, "calls": 9}
    assert may_promote({**TRAINED, "rtneural_path": None, "parity": without})[0]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"status": "training"}, "it is training"),
        ({"status": "production"}, "it is production"),
        ({"status": "stub"}, "only a trained model"),
        ({"primary": None}, "does not beat its baselines"),
        ({"primary": {"beats_baselines": False}}, "does not beat its baselines"),
        ({"parity": None}, "lacks tolerance, onnx, rtneural_reader"),
        ({"parity": {**TRAINED["parity"], "rtneural_reader": None}}, "lacks rtneural_reader"),
        ({"parity": {**TRAINED["parity"], "rtneural": 2e-4}}, r"beyond 0.0001 .rtneural 2.0e-04"),
        ({"parity": {**TRAINED["parity"], "onnx": float("nan")}}, "beyond 0.0001 .onnx nan"),
    ],
)
def test_what_may_not_be_promoted(change, why):
    allowed, reason = may_promote({**TRAINED, **change})
    assert not allowed
    assert re.search(why, reason)
