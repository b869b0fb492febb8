"""The student in the frame of the key: exact transposition, the same function as plain layers, and RTNeural's file of it."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from kmidi_lab.contracts import MELODY, Contract
from kmidi_lab.export.rtneural.reader import RTNeuralModel
from kmidi_lab.export.rtneural.writer import export_rtneural
from kmidi_lab.models.melody.student import KeyGRU


def calls(contract: Contract, tonic: int | None, pitches: list[int], seed: int = 0) -> torch.Tensor:
    """`[1, T, 64]`: these previous pitches in one key, with the key's triad as chord and a random rhythm."""
    rng = np.random.default_rng(seed)
    inside = {s.name: s.index for s in contract.inputs}
    x = np.zeros((1, len(pitches), 64), np.float32)
    for t, pitch in enumerate(pitches):
        x[0, t, inside["previous_pitch_class"].start + pitch % 12] = 1
        if contract.version == "1":
            x[0, t, inside["previous_octave"].start + pitch // 12 - 2] = 1
            x[0, t, inside["previous_duration"].start + rng.integers(8)] = 1
        else:
            x[0, t, inside["previous_octave"]] = (pitch // 12 - 5) / 4
            x[0, t, inside["previous_duration"]] = rng.uniform(-0.7, 0.7)
            x[0, t, inside["recalled_pitch_class"].start + pitch % 12] = rng.integers(9) / 8
            x[0, t, inside["recalled_octave"]] = rng.integers(-1, 2)
        for name in ("next_position", "next_duration"):
            x[0, t, inside[name].start + rng.integers(8)] = 1
        for step, value in ((0, 1.0), (4, 0.5), (7, 0.5)):
            x[0, t, inside["chord"].start + ((tonic or 0) + step) % 12] = value
        x[0, t, inside["mood"]] = rng.uniform(-1, 1, 3)
        if tonic is not None:
            angle = 2 * np.pi * (7 * tonic % 12) / 12
            x[0, t, inside["key"]] = np.sin(angle), np.cos(angle), 1
    return torch.from_numpy(x)


@pytest.fixture(scope="module", params=["1", "2"])
def contract(request) -> Contract:
    return MELODY.at(request.param)


@pytest.fixture(scope="module")
def student(contract) -> KeyGRU:
    torch.manual_seed(3)
    student = KeyGRU(contract, 24)
    with torch.no_grad():  # logits as far apart as trained ones, some beyond the floor
        student.out.weight.mul_(100 if student.recalls else 30)
    return student.eval()


TUNE = [60, 64, 67, 72, 71, 69, 48, 60, 65, 62]


@pytest.mark.parametrize("tonic", [None, *range(12)])
def test_plain_layers_are_the_same_function(student, contract, tonic):
    x = calls(contract, tonic, TUNE)
    with torch.no_grad():
        trained, deployed = student(x), student.deployed()(x)
    assert trained.max() > 0.4
    assert torch.allclose(trained, deployed, atol=2e-6)


def test_a_tune_in_another_key_gets_the_same_answer_in_that_key(student, contract):
    """Up to the octave, which the student hears as it is: tonic and pitches rise from C to D within one octave."""
    low = [p for p in TUNE if p % 12 < 10]
    x, y = calls(contract, 0, low), calls(contract, 2, [p + 2 for p in low])
    # The tonic itself is an input too (range depends on it), so what is compared is what the frame makes of the rest.
    student = copy.deepcopy(student)
    with torch.no_grad():
        student.rnn.rnn.weight_ih_l0[:, -12:] = 0
        if student.recalls:
            student.before.weight[:, -12:] = 0
        a, b = (F.normalize(student(v)[..., lowest : lowest + 80], 1, -1) for v, lowest in ((x, 30), (y, 32)))
        moved = F.normalize(student(y)[..., 30:110], 1, -1)
    assert torch.allclose(a, b, atol=1e-6)
    assert not torch.allclose(a, moved, atol=1e-3)


def test_without_a_key_the_frame_is_that_of_c(student, contract):
    """The mode is part of the key, so it is taken away in both."""
    x, y = calls(contract, None, TUNE), calls(contract, 0, TUNE)
    y[..., MELODY.input("key").stop - 1] = 0
    with torch.no_grad():
        assert torch.allclose(student(x), student(y), atol=1e-6)


def test_the_rtneural_file_streams_like_the_network(student, contract):
    x = calls(contract, 9, TUNE)
    model = RTNeuralModel.from_bytes(export_rtneural(student.deployed(), contract))
    model.reset()
    answers = np.stack([model(v) for v in x[0].numpy()])
    with torch.no_grad():
        assert np.abs(answers - student(x)[0].numpy()).max() < 1e-5


def test_pitches_beyond_the_contracts_octaves_stay_at_the_floor(student, contract):
    with torch.no_grad():
        p = student(calls(contract, 5, TUNE))
    assert torch.allclose(p[..., :24], p[..., :1].expand(-1, -1, 24))
    assert p[..., 0].max() < 1e-3


def test_what_is_recalled_is_copied_to_its_own_pitch():
    torch.manual_seed(5)
    student = KeyGRU(MELODY, 24).eval()
    with torch.no_grad():
        student.copy.bias.fill_(15.0)
    x = calls(MELODY, 3, TUNE)
    for name, value in (("recalled_pitch_class", 0.0), ("recalled_octave", 1.0)):
        x[..., MELODY.input(name).index] = value
    x[..., MELODY.input("recalled_pitch_class").start + 7] = 1 / 8
    with torch.no_grad():
        p = student(x)[0]
    assert p.argmax(-1).tolist() == [12 * (pitch // 12 + 1) + 7 for pitch in TUNE]
    assert p.max(-1).values.min() > 0.99
    x[..., MELODY.input("recalled_pitch_class").index] = 0
    with torch.no_grad():
        assert student(x).max() < 0.5
