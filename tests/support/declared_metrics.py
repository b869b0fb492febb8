"""That an evaluator has declared all that it reports, so that no direction is left to a guess."""

from __future__ import annotations

from kmidi_lab.scoring.evaluation import Evaluation, Evaluator


def assert_declared(evaluator: Evaluator, evaluation: Evaluation) -> None:
    """Every key is a metric with a direction or a count; baselines have metrics alone, and those the model has, too."""
    assert evaluation.metrics.keys() == evaluation.baselines.keys()
    for split, own in evaluation.metrics.items():
        assert set(evaluator.COUNTS) <= set(own) <= {*evaluator.METRICS, *evaluator.COUNTS}, split
        assert evaluation.baselines[split], split
        for name, rival in evaluation.baselines[split].items():
            assert {evaluator.primary} <= set(rival) <= set(own) - set(evaluator.COUNTS), (split, name)
