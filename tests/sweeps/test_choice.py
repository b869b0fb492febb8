"""Which setting of a sweep is chosen."""

from __future__ import annotations

import math

import pytest
from support.sample_run import sample_run

from kmidi_lab.sweeps.choice import FinishedJob, chosen, compared_on_other_data, only_repeats


def tried(number: int, loss: float | None, *words: str, model: str = "m", data: str = "v") -> FinishedJob:
    run = sample_run()
    assert run.training and run.data
    run.training.val_loss, run.identity.model, run.data.version = loss, model, data
    return FinishedJob(number, words, run)


def test_the_least_validation_loss_is_chosen() -> None:
    assert chosen([tried(0, 2.0, "a=1"), tried(1, 1.0, "a=2"), tried(2, None, "a=3")]) == [1]
    assert chosen([tried(0, None, "a=1")]) == []


def test_the_jobs_of_the_setting_that_is_best_on_average_are_chosen() -> None:
    jobs = [
        *(tried(n, loss, "a=1", f"seed={n}") for n, loss in enumerate((1.0, 9.0))),
        *(tried(2 + n, loss, "a=2", f"seed={n}") for n, loss in enumerate((3.0, 3.0))),
        tried(4, 0.1, "a=3", "seed=0"),  # its other seed failed
    ]
    assert chosen(jobs) == [2, 3]


def test_each_model_has_its_own() -> None:
    jobs = [tried(0, 2.0, "model=a", model="a"), tried(1, 1.0, "model=b", model="b"), tried(2, 3.0, "x=1", model="a")]
    assert chosen(jobs) == [0, 1]


@pytest.mark.parametrize(
    ("jobs", "repeats"),
    [
        ([("m", ["seed=1"]), ("m", ["seed=2"])], True),
        ([("m", ["data.fold=1", "seed=1"]), ("m", ["data.fold=2", "seed=1"])], True),
        ([("m", ["model=m"]), ("n", ["model=n"])], True),
        ([("m", ["a=1"]), ("m", ["a=2"])], False),
        ([("m", ["a=1", "seed=1"]), ("m", ["a=2", "seed=2"])], False),
    ],
)
def test_seeds_and_folds_leave_nothing_to_choose(jobs: list[tuple[str, list[str]]], repeats: bool) -> None:
    assert only_repeats(jobs) is repeats


def test_losses_on_other_data_are_told() -> None:
    assert not compared_on_other_data([tried(0, 1.0, "a=1"), tried(1, 1.0, "a=2")])
    assert compared_on_other_data([tried(0, 1.0, "a=1"), tried(1, 1.0, "a=2", data="w")])
    folds = [tried(n, 1.0, f"a={n // 2}", f"data.fold={n % 2}", data=f"fold {n % 2}") for n in range(4)]
    assert not compared_on_other_data(folds)


def test_a_loss_that_is_no_number_is_no_objective() -> None:
    run = sample_run()
    assert run.training and run.objective and run.objective.mode == "min" and math.isfinite(run.objective.value)
    run.training.val_loss = None
    assert run.objective is None
