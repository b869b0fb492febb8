"""Rounds of active learning: rows of a CSV, and runs of W&B in one group, read from a server on loopback."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from omegaconf import OmegaConf
from support.fake_wandb import FakeWandb, fake_wandb  # noqa: F401  fixture
from support.sample_run import sample_run

from kmidi_lab.errors import DataError
from kmidi_lab.feedback.rounds import COLUMNS, Rounds, facts_of
from kmidi_lab.wandb_results import finish_wandb
from kmidi_lab.wandb_rounds import log_step
from kmidi_lab.wandb_run import wandb_logger

RETRAINED = {
    "events": 60, "raters": 3,
    "gates": [{"name": "frozen test", "before": 2.0, "after": 2.1}, {"name": "held-out feedback", "before": 3.0, "after": 1.0}],
}  # fmt: skip


def _config(wandb: bool) -> OmegaConf:
    own = {"model": {"name": "harmony", "init_from": None}, "seed": 3, "task": "retrain", "preset": "none"}
    return OmegaConf.create(
        own | {"logger": {"wandb": wandb, "project": "p", "entity": None, "tags": [], "offline": False}}
    )


def test_a_retraining_ends_its_round(tmp_path: Path) -> None:
    rounds = Rounds(tmp_path, "harmony")
    assert rounds.number() == 1
    log_step(_config(False), tmp_path, rounds, "queue", {"by": "margin", "asked": 10, "mean_score": 0.5})
    log_step(_config(False), tmp_path, rounds, "label", {"new": 9, "labels": 9, "items": 9})
    assert rounds.note("retrain", {**facts_of(RETRAINED), "published": True}) == 1
    assert Rounds(tmp_path, "harmony").note("queue", {"asked": 5}) == 2
    assert Rounds(tmp_path, "intent").number() == 1
    rows = list(csv.DictReader((tmp_path / "rounds" / "harmony.csv").open()))
    assert [(row["round"], row["step"]) for row in rows] == [
        ("1", "queue"),
        ("1", "label"),
        ("1", "retrain"),
        ("2", "queue"),
    ]
    assert rows[0]["by"] == "margin" and rows[1]["new"] == "9" and rows[0]["new"] == ""
    assert (rows[2]["test_after"], rows[2]["feedback_after"], rows[2]["published"]) == ("2.1", "1.0", "True")


@pytest.mark.parametrize("held", [b"", b"a,b\n1,2\n", b"\xff\xfe", ",".join(COLUMNS).encode() + b"\n" + b"1," * 40])
def test_another_file_in_its_place_is_left_as_it_is(tmp_path: Path, held: bytes) -> None:
    rounds = Rounds(tmp_path, "harmony")
    rounds.path.parent.mkdir()
    rounds.path.write_bytes(held)
    with pytest.raises(DataError, match="no list of rounds"):
        rounds.note("queue", {"asked": 1})
    assert rounds.path.read_bytes() == held


@pytest.mark.slow
def test_two_rounds_are_one_group(fake_wandb: FakeWandb, tmp_path: Path) -> None:  # noqa: F811
    rounds, cfg = Rounds(tmp_path, "harmony"), _config(True)
    for _ in range(2):
        log_step(cfg, tmp_path, rounds, "queue", {"by": "margin", "asked": 10, "mean_score": 0.5})
        log_step(cfg, tmp_path, rounds, "label", {"new": 9, "labels": 9})
        record = sample_run()
        assert record.data
        record.data.more["retrained"] = RETRAINED
        record.export = None
        finish_wandb(wandb_logger(cfg, tmp_path, None, rounds), record, tmp_path, failed=False)
        rounds.note("retrain", facts_of(RETRAINED))
    runs = list(fake_wandb.runs.values())
    assert fake_wandb.unknown == []
    assert {run.about["group_name"] for run in runs} == {"active-learning-harmony"} and {
        run.exit_code for run in runs
    } == {0}
    steps = [(run.config["round"], run.about["job_type"]) for run in runs]
    assert steps == [(number, step) for number in (1, 2) for step in ("queue", "label", "retrain")]
    rows = [{key: value for row in run.history for key, value in row.items()} for run in runs]
    assert [row["round"] for row in rows] == [1, 1, 1, 2, 2, 2]
    assert (rows[0]["queue/asked"], rows[1]["label/new"]) == (10, 9)
    assert (rows[5]["retrain/feedback_before"], rows[5]["retrain/feedback_after"]) == (3.0, 1.0)
    assert all("active learning" in run.about["tags"] for run in runs)
