"""A sweep's leaderboard."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from support.sample_run import sample_run

from kmidi_lab.report.leaderboard import leaderboard, write_leaderboard
from kmidi_lab.run_file import write
from kmidi_lab.run_record import RunRecord
from kmidi_lab.run_scores import Statistic


def _job(sweep: Path, name: str, seed: int | None = None, perplexity: float = 7.0, *overrides: str) -> RunRecord:
    folder = sweep / name
    (folder / ".hydra").mkdir(parents=True)
    told = ["model=harmony", *overrides] + ([f"seed={seed}"] if seed is not None else [])
    (folder / ".hydra" / "overrides.yaml").write_text("\n".join(f"- {o}" for o in told) + "\n")
    run = sample_run()
    run.identity.seed = seed
    run.scores.metrics["test"]["perplexity"] = run.primary.value = perplexity
    run.training.val_loss = perplexity / 10
    write(run, folder)
    return run


def about(mean: float, std: float) -> Statistic:
    """Equal but for rounding."""
    return Statistic(pytest.approx(mean), pytest.approx(std))


def _fail(sweep: Path, name: str) -> None:
    run = {"schema": 1, "status": "failed", "error": "DataError: no songs | in\nsplit", "model": "harmony", "seed": 9}
    (sweep / name).mkdir(parents=True)
    (sweep / name / "run.json").write_text(json.dumps(run))


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    for name, seed, perplexity in (("0", 1, 7.2), ("1", 2, 7.0), ("10", 3, 7.4)):
        _job(tmp_path, name, seed, perplexity)
    _fail(tmp_path, "2")
    (tmp_path / "3").mkdir()
    (tmp_path / "4").mkdir()
    (tmp_path / "4" / "run.json").write_text('{"status": "o')
    (tmp_path / "multirun").mkdir()
    return tmp_path


def test_best_first_then_those_without_a_result(sweep: Path) -> None:
    text, _ = leaderboard(sweep)
    lines = text.splitlines()
    assert [line.split()[0] for line in lines[1:7]] == ["1", "0", "10", "2", "3", "4"]
    assert "model=harmony seed=2" in lines[1] and "test perplexity" in lines[1] and "8.30 4-gram+cache" in lines[1]
    assert lines[4].endswith("DataError: no songs | in split")
    assert "no result" in lines[5] and "unreadable run.json" in lines[6]
    assert (
        len({line.index(word) for line, word in zip(lines, ("status", "ok", "ok", "ok", "failed"), strict=False)}) == 1
    )
    assert lines[-1] == "3 of 6 jobs ok. test perplexity over 3 seeds: 7.20 ± 0.20."


def test_validation_ranks_and_a_ranking_by_test_is_warned_of(tmp_path: Path) -> None:
    for name, validation, test in (("0", 0.9, 5.0), ("1", 0.5, 9.0)):
        run = _job(
            tmp_path,
            name,
            1,
            test,
            f"model.module.dropout=0.{name}",
            "sweep.test=chosen",
            f"trainer.resume=a/{tmp_path.name}/{name}",
        )
        run.training.val_loss = validation
        write(run, tmp_path / name)
    lines = leaderboard(tmp_path)[0].splitlines()
    assert [line.split()[0] for line in lines[1:3]] == ["1", "0"]
    assert "val/loss 0.5000" in lines[1] and "9.0" in lines[1]
    assert "sweep.test" not in lines[1] and "trainer.resume" not in lines[1]
    assert "Chosen by validation: job 1." in lines[-1]
    lines = leaderboard(tmp_path, "test")[0].splitlines()
    assert [line.split()[0] for line in lines[1:3]] == ["0", "1"]
    assert "Ranked by test" in lines[-1] and "choose by validation" in lines[-1]


def test_the_spread_is_over_all_scores_but_counts(sweep: Path) -> None:
    _, spread = leaderboard(sweep)
    assert spread.seeds == [1, 2, 3]
    assert spread.metrics["test"]["perplexity"] == about(7.2, 0.2)
    assert spread.metrics["test/pop909"]["top1"] == about(0.531, 0.0)
    assert "events" not in spread.metrics["test"]


def test_no_spread_over_other_changes_than_the_seed(tmp_path: Path) -> None:
    _job(tmp_path, "0", 1, 7.0, "model.lr=0.1")
    _job(tmp_path, "1", 1, 7.1, "model.lr=0.2")
    text, spread = leaderboard(tmp_path)
    assert spread is None
    assert "the jobs differ in more than their seed" in text


def test_same_seed_twice_is_no_spread(tmp_path: Path) -> None:
    _job(tmp_path, "0", 1)
    _job(tmp_path, "1", 1)
    text, spread = leaderboard(tmp_path)
    assert spread is None and "a seed comes more than once" in text


def test_one_seed_has_no_standard_deviation(tmp_path: Path) -> None:
    _job(tmp_path, "0", 1, 7.0)
    text, spread = leaderboard(tmp_path)
    assert spread.metrics["test"]["perplexity"] == Statistic(7.0)
    assert text.endswith("over 1 seed: 7.00.\n")


def test_nothing_finished(tmp_path: Path) -> None:
    assert leaderboard(tmp_path) == (f"{tmp_path} holds no jobs.\n", None)
    _fail(tmp_path, "0")
    text, spread = leaderboard(tmp_path)
    assert spread is None and "no job finished" in text


def test_jobs_that_score_nothing_have_no_columns_for_scores(tmp_path: Path) -> None:
    for name in ("0", "1"):
        run = _job(tmp_path, name, 1, 7.0)
        run.scores = run.training = None
        write(run, tmp_path / name)
    text, _ = leaderboard(tmp_path)
    assert text.splitlines()[0].split() == ["job", "overrides", "status", "error"]
    assert text.endswith("\n2 of 2 jobs ok.\n")


def test_written_files(sweep: Path) -> None:
    assert write_leaderboard(sweep) == leaderboard(sweep)
    with (sweep / "leaderboard.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["job"] for row in rows] == ["1", "0", "10", "2", "3", "4"]
    assert rows[0]["value"] == "7.00" and rows[3]["error"] == "DataError: no songs | in split"
    page = (sweep / "leaderboard.md").read_text()
    assert "no songs \\| in split" in page and "3 of 6 jobs ok" in page


def _fold(sweep: Path, fold: int, perplexity: float, rival: float, seed: int = 1) -> None:
    name = f"{fold}{seed}"
    run = _job(sweep, name, seed, perplexity, f"data.fold={fold}")
    run.data.split["fold"] = fold
    run.scores.baselines["test"]["bigram"]["perplexity"] = rival
    write(run, sweep / name)


def test_folds_are_called_folds_and_have_baselines_of_their_own(tmp_path: Path) -> None:
    for fold, (own, rival) in enumerate(((7.2, 9.0), (7.0, 9.5), (7.4, 10.0))):
        _fold(tmp_path, fold, own, rival)
    text, spread = leaderboard(tmp_path)
    assert spread.folds == [0, 1, 2] and spread.seeds == [1, 1, 1]
    assert spread.metrics["test"]["perplexity"] == about(7.2, 0.2)
    assert spread.baselines["test"]["bigram"]["perplexity"] == about(9.5, 0.5)
    assert "over 3 folds: 7.20 ± 0.20;" in text and "bigram 9.50 ± 0.50" in text


def test_folds_and_seeds_together(tmp_path: Path) -> None:
    for fold in range(2):
        for seed in (1, 2):
            _fold(tmp_path, fold, 7.0 + fold, 9.0, seed)
    text, spread = leaderboard(tmp_path)
    assert "over 2 folds x 2 seeds: 7.50" in text and len(spread.folds) == 4


def test_a_fold_twice_is_no_spread(tmp_path: Path) -> None:
    for name, fold in (("0", 0), ("1", 0), ("2", 1)):
        run = _job(tmp_path, name, 1, 7.0, f"data.fold={fold}")
        run.data.split["fold"] = fold
        write(run, tmp_path / name)
    text, spread = leaderboard(tmp_path)
    assert spread is None and "comes more than once" in text
