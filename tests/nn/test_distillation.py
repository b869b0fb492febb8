from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from kmidi_lab.contracts import GROOVE, MELODY
from kmidi_lab.errors import ConfigError
from kmidi_lab.nn.distillation import distance, distill
from kmidi_lab.nn.layers import GRU, CausalAttention
from kmidi_lab.nn.module import StudentPlan
from kmidi_lab.nn.streaming import Chain, Residual

Batch = tuple[torch.Tensor, torch.Tensor]


def teacher() -> Chain:
    """Attention over the last four calls, sharp enough that a constant answer is far off."""
    torch.manual_seed(3)
    net = Chain(nn.Linear(5, 16), Residual(CausalAttention(16, 2, 4)), nn.Linear(16, 8), nn.Softmax(-1))
    with torch.no_grad():
        list(net)[2].weight *= 6
    return net


def plan(epochs: int = 15, outputs: int = 8, learning_rate: float = 1e-2) -> StudentPlan:
    torch.manual_seed(4)
    return StudentPlan(Chain(GRU(5, 32), nn.Linear(32, outputs), nn.Softmax(-1)), "GRU-32", epochs, learning_rate)


def batches(count: int, seed: int) -> list[Batch]:
    rng = torch.Generator().manual_seed(seed)
    real = torch.ones(16, 20, dtype=torch.bool)
    real[:, 15:] = False
    return [(torch.randn(16, 20, 5, generator=rng), real) for _ in range(count)]


TRAIN, VALIDATION = batches(12, 1), batches(3, 2)


@pytest.mark.slow
def test_a_student_learns_what_its_teacher_does():
    master = teacher()
    before = {k: v.clone() for k, v in master.state_dict().items()}
    student, facts = distill(master, plan(), MELODY, TRAIN, VALIDATION)
    with torch.no_grad():
        answers = [master(x) for x, _ in VALIDATION]
        mean = torch.cat([a[r] for a, (_, r) in zip(answers, VALIDATION, strict=True)]).mean(0)
        constant = sum(distance(mean.expand_as(a), a, r, MELODY) for a, (_, r) in zip(answers, VALIDATION, strict=True))
        told = sum(distance(student(x), master(x), r, MELODY) for x, r in VALIDATION) / len(VALIDATION)
    assert facts["distance"] == pytest.approx(float(told), rel=1e-4)
    assert facts["distance"] < 0.25 * float(constant) / len(VALIDATION)
    assert facts["distance"] == min(held_out for _, held_out in facts["curve"])
    assert facts["curve"][facts["best_epoch"]][1] == facts["distance"]
    assert (facts["epochs"], len(facts["curve"])) == (15, 15)
    assert facts["params"] == sum(p.numel() for p in student.parameters())
    assert not student.training
    assert all(torch.equal(before[k], v) for k, v in master.state_dict().items())


def test_distance_of_probabilities_is_the_kl_divergence_of_real_calls_in_nats():
    rows = torch.randn(2, 3, 4, 6).softmax(-1)
    real = torch.tensor([[True] * 4, [True, False, False, True], [False] * 4])
    expected = nn.functional.kl_div(rows[0][real].log(), rows[1][real], reduction="batchmean")
    torch.testing.assert_close(distance(rows[0], rows[1], real, MELODY), expected)
    assert distance(rows[0], rows[0], real, MELODY) == 0


def test_distance_stays_finite_where_a_probability_is_zero():
    certain = torch.tensor([[[1.0, 0.0]]])
    other = torch.tensor([[[0.0, 1.0]]])
    found = distance(other, certain, torch.ones(1, 1, dtype=torch.bool), MELODY)
    assert float(found) == pytest.approx(-math.log(1e-9), rel=1e-6)


def test_distance_of_values_is_the_mean_squared_error():
    found = distance(torch.full((1, 2, 3), 2.0), torch.zeros(1, 2, 3), torch.tensor([[True, False]]), GROOVE)
    assert found == 4


def test_padding_teaches_nothing():
    changed = [(torch.where(real[..., None], x, 99.0), real) for x, real in TRAIN]
    one, other = (distill(teacher(), plan(2), MELODY, data, VALIDATION)[0] for data in (TRAIN, changed))
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(a, b)


def test_a_student_of_another_size_is_refused():
    with pytest.raises(ConfigError, match="the student gives 7 values a call, its teacher 8"):
        distill(teacher(), plan(outputs=7), MELODY, TRAIN, VALIDATION)


@pytest.mark.parametrize(("epochs", "learning_rate"), [(0, 1e-3), (3, 0.0), (3, 2.0), (3, float("nan"))])
def test_plans_are_checked(epochs, learning_rate):
    with pytest.raises(
        ConfigError, match=r"student\.(epochs=0 must be 1 or more|learning_rate=\S+ must be above 0 and at most 1)"
    ):
        plan(epochs, learning_rate=learning_rate)


def test_a_student_that_blows_up_is_an_error():
    broken = plan(1)
    nn.init.constant_(list(broken.network)[1].weight, float("nan"))
    with pytest.raises(ConfigError, match="became NaN"):
        distill(teacher(), broken, MELODY, TRAIN, VALIDATION)


def test_the_distance_is_the_mean_over_calls_not_over_batches():
    real = torch.ones(16, 20, dtype=torch.bool)
    one_call = torch.zeros_like(real)
    one_call[0, 0] = True
    held_out = [(VALIDATION[0][0], real), (VALIDATION[1][0], one_call), (VALIDATION[2][0], torch.zeros_like(real))]
    student, facts = distill(teacher(), plan(1), MELODY, TRAIN, held_out)
    with torch.no_grad():
        parts = [distance(student(x), teacher()(x), r, MELODY) * r.sum() for x, r in held_out[:2]]
    assert facts["distance"] == pytest.approx(float(sum(parts)) / (16 * 20 + 1), rel=1e-4)


def test_what_no_student_can_learn_from_is_an_error():
    with pytest.raises(ConfigError, match="no training sequences"):
        distill(teacher(), plan(1), MELODY, [], VALIDATION)
    nothing = [(x, torch.zeros_like(real)) for x, real in VALIDATION]
    with pytest.raises(ConfigError, match="no validation sequences"):
        distill(teacher(), plan(1), MELODY, TRAIN, nothing)


def test_a_student_that_gives_no_probabilities_is_refused():
    sigmoid = StudentPlan(Chain(GRU(5, 8), nn.Linear(8, 8), nn.Sigmoid()), "GRU-8", 1, 1e-3)
    with pytest.raises(ConfigError, match=r"not probabilities; let it end in nn\.Softmax"):
        distill(teacher(), sigmoid, MELODY, TRAIN, VALIDATION)


def test_batchnorm_and_padding_do_not_go_together():
    normed = StudentPlan(Chain(nn.BatchNorm1d(5), GRU(5, 8), nn.Linear(8, 8), nn.Softmax(-1)), "", 1, 1e-3)
    with pytest.raises(ConfigError, match="BatchNorm1d can't learn from padded"):
        distill(teacher(), normed, MELODY, TRAIN, VALIDATION)
    whole = [(x, torch.ones_like(real)) for x, real in TRAIN]
    assert distill(teacher(), normed, MELODY, whole, whole[:1])[1]["distance"] > 0
