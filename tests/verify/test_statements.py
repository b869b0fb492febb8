"""Verification of what golden files hold beside vectors: unused slices, a head's decodes, the file from a waveform on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import pytest
from test_verify_folder import HEAD

from kmidi_lab.contracts import EMOTION, HARMONY
from kmidi_lab.export.proof.audio_golden import audio_golden
from kmidi_lab.export.proof.golden import golden_vectors
from kmidi_lab.export.proof.probes import contract_inputs
from kmidi_lab.verify.findings import Checks
from kmidi_lab.verify.golden import Golden
from kmidi_lab.verify.runs import RunnableFile
from kmidi_lab.verify.statements import check_audio, check_statements


class Linear:
    """N to 64, always the same weights."""

    def __init__(self, inputs: int, seed: int = 0) -> None:
        self.weight = np.random.default_rng(seed).normal(0, 0.1, (inputs, 64)).astype(np.float32)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(x @ self.weight, np.float32)

    def reset(self) -> None:
        """Nothing to forget."""


def faults(change: Callable[[dict[str, Any]], object], head: dict[str, Any] = HEAD, unused: str = "") -> list[str]:
    """Of a golden file of harmony, made and then changed, beside a head file."""
    vectors = contract_inputs(HARMONY.inputs, 16, 4)
    if unused:
        vectors[:, HARMONY.input(unused).index] = 0
    data = golden_vectors(Linear(128), HARMONY, vectors[8:], vectors[:8], [], HEAD)
    file = orjson.loads(data)
    change(file)
    parts = [[np.array(file[p][side], np.float32) for side in ("inputs", "outputs")] for p in ("sequence", "typical")]
    golden = Golden((parts[0][0], parts[0][1]), (parts[1][0], parts[1][1]))
    checks = Checks("harmony")
    check_statements(checks, "golden.json", orjson.dumps(file), golden, orjson.dumps(head), HARMONY)
    return [f.message for f in checks.faults]


def test_a_good_file_and_one_of_an_earlier_release_have_no_faults() -> None:
    assert faults(lambda file: None) == []
    assert faults(lambda file: [file.pop(key) for key in ("no_effect", "decoded")], unused="emotion") == []


def test_rows_of_the_head_that_are_swapped_are_found() -> None:
    (fault,) = faults(lambda file: None, head={**HEAD, "bias": [1, 0, 2, 3]})
    assert "weight of the head file decodes the outputs otherwise" in fault


@pytest.mark.parametrize(
    ("change", "unused", "says"),
    [
        (lambda file: None, "emotion", "['emotion'] is zero in all inputs"),
        (lambda file: file.update(no_effect=["emotion[0:4]"]), "mode", "['mode'] is zero"),
        (lambda file: file.update(no_effect=["mood"]), "", "no_effect names ['mood']"),
        (lambda file: file["decoded"].pop("weight"), "", "decodes []"),
        (lambda file: file["decoded"]["weight"][3].__setitem__(2, 9.0), "", "otherwise"),
        (lambda file: file["decoded"]["weight"].pop(), "", "otherwise"),
        (lambda file: file.update(decoded=3), "", "golden.json"),
    ],
)
def test_what_a_file_says_wrongly_is_found(change: Callable[[dict[str, Any]], object], unused: str, says: str) -> None:
    (fault,) = faults(change, unused=unused)
    assert says in fault


def test_the_file_from_a_waveform_on_is_replayed() -> None:
    data = audio_golden(Linear(128), EMOTION)
    for seed, count in ((0, 0), (1, 1)):
        checks = Checks("emotion")
        check_audio(checks, "golden/e.audio.json", data, [RunnableFile("e.json", Linear(128, seed), 128, None)])
        assert len(checks.faults) == count
