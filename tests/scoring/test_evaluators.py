"""What every evaluator declares, and the verdict that they share. Their own tests check what they report against it."""

from __future__ import annotations

import numpy as np
import pytest
import yaml

from kmidi_lab.conf_dir import conf_dir
from kmidi_lab.scoring.evaluation import Evaluation, Evaluator, parts_of, score_alike
from kmidi_lab.targets import find

EVALUATORS = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))["model"]["evaluator"]["_target_"]
    for path in sorted((conf_dir() / "model").glob("*.yaml"))
}


@pytest.mark.parametrize("model", EVALUATORS)
def test_every_evaluator_declares_the_direction_of_its_metrics(model: str) -> None:
    evaluator = find(EVALUATORS[model], Evaluator, ())
    assert set(evaluator.METRICS.values()) <= {"min", "max"}
    assert {evaluator.primary, *evaluator.also, evaluator.loss} <= set(evaluator.METRICS)
    assert evaluator.METRICS[evaluator.loss] == "min"
    assert not set(evaluator.COUNTS) & set(evaluator.METRICS)
    assert "events" in evaluator.COUNTS, "task=eval and the reports say how much was scored"
    assert evaluator.verdict is Evaluator.verdict, "one verdict for all"


class Two(Evaluator):
    """Scores numbers by their distance to 3, and how many of them are even."""

    METRICS = {"distance": "min", "even": "max", "odd": "max"}
    primary, also, loss = "distance", ("even", "odd"), "distance"

    def __call__(self, call: object, head: object, data: object, split: str, training: object) -> Evaluation:
        parts = parts_of(split, np.array(["b", "a", "b", "b", "c"]), 2)
        return score_alike(
            _score, np.array([2.0, 4, 1, 6, 3]), {"far": np.full(5, 9.0), "near": np.full(5, 4.0)}, parts
        )


def _score(numbers: np.ndarray, rows: np.ndarray) -> dict[str, float]:
    return {"distance": float(np.abs(numbers[rows] - 3).mean()), "even": float((numbers[rows] % 2 == 0).mean())}


def test_model_and_baselines_are_scored_alike_on_the_split_and_its_larger_parts() -> None:
    result = Two()(None, None, None, "test", None)
    assert list(result.metrics) == list(result.baselines) == ["test", "test/b"]
    assert result.metrics["test"] == {"distance": 7 / 5, "even": 3 / 5}
    assert result.metrics["test/b"] == {"distance": 2.0, "even": 2 / 3}
    assert result.baselines["test/b"] == {
        "far": {"distance": 6.0, "even": 0.0},
        "near": {"distance": 1.0, "even": 1.0},
    }


def test_the_verdict_is_by_the_declared_directions_and_leaves_out_what_was_not_scored() -> None:
    result = Two()(None, None, None, "test", None)
    assert Two().verdict(result, "test") == {
        "metric": "distance", "mode": "min", "split": "test", "value": 7 / 5, "best_baseline": "near",
        "best_baseline_value": 1.0, "beats_baselines": False,
        "also": [
            {"metric": "even", "mode": "max", "split": "test", "value": 3 / 5, "best_baseline": "near",
             "best_baseline_value": 1.0, "beats_baselines": False},
        ],
    }  # fmt: skip


def test_the_verdict_says_why_it_is_no_fair_comparison() -> None:
    result = Two()(None, None, None, "test", None)
    result.analysis["not_comparable"] = ""
    assert "not_comparable" not in Two().verdict(result, "test")
    result.analysis["not_comparable"] = "the baselines saw less"
    assert Two().verdict(result, "test")["not_comparable"] == "the baselines saw less"
