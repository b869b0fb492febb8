"""Verification of what golden files hold beside vectors: unused slices, a head's decodes, the file from a waveform on."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import pytest
from test_verify_folder import HEAD

from kmidi_lab.contracts import EMOTION, HARMONY, MELODY
from kmidi_lab.export.proof.audio_golden import audio_golden
from kmidi_lab.export.proof.golden import golden_vectors
from kmidi_lab.export.proof.probes import contract_inputs
from kmidi_lab.export.proof.random_calls import answers
from kmidi_lab.verify.beside import check_head
from kmidi_lab.verify.findings import Checks
from kmidi_lab.verify.golden import Golden
from kmidi_lab.verify.runs import RunnableFile
from kmidi_lab.verify.statements import check_audio, check_random, check_statements, check_title


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
    data = golden_vectors(Linear(128), HARMONY, vectors[8:], vectors[:8], [], orjson.dumps(HEAD))
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
    other, otherwise = faults(lambda file: None, head={**HEAD, "bias": [1, 0, 2, 3]})
    assert "made with another head file" in other
    assert "weight of the head file decodes the outputs otherwise" in otherwise


@pytest.mark.parametrize(
    "change",
    [{"qualities": ["minor", "major"]}, {"cut_bias": [0.1] * 4}, {"outliers": {"threshold": 9.0}}, {"decode": "none"}],
)
def test_a_number_or_a_name_of_the_head_that_no_output_shows_is_found(change: dict[str, Any]) -> None:
    (fault,) = faults(lambda file: None, head={**HEAD, **change})
    assert "made with another head file" in fault
    assert faults(lambda file: file.pop("head_sha256"), head={**HEAD, **change}) == [], "an earlier release has no hash"


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


@pytest.mark.parametrize(
    "change",
    [
        {"id": "x"},
        {"contract_version": "9"},
        {"feature_version": "mel"},
        {"input_size": 64},
        {"sample_rate": 44_100},
        {"scale": 32_767},
    ],
)
def test_the_title_of_the_file_from_a_waveform_on_is_held_to_the_contract(change: dict[str, Any]) -> None:
    file = orjson.loads(audio_golden(Linear(128), EMOTION))
    for content, count in ((file, 0), ({**file, **change}, 1), ({k: file[k] for k in file if k not in change}, 1)):
        checks = Checks("emotion")
        check_title(checks, "audio golden", "golden/e.audio.json", orjson.dumps(content), EMOTION)
        assert len(checks.faults) == count


@pytest.mark.parametrize(
    "change",
    [{"degrees": [0, 1, 2, 3]}, {"qualities": ["major", "major"]}, {"labels": ["a"] * 4}, {"labels": ["a", "b"]},
     {"memory_weight": [[0.5, 0.2]]}, {"memory_weight": [[1.5, -0.5]]}, {"repeat_weight": [[1, 0, 0], [0.5, 0.5, 0.1]]},
     {"intensities": ["low"], "intensity_weight": [[1.0], [2.0]]}, {"arcs": ["rise", "rise"]}],
)  # fmt: skip
def test_names_of_a_head_file_are_as_many_as_its_rows_none_stands_twice_and_mixtures_are_whole(
    change: dict[str, Any],
) -> None:
    for head, good in ((HEAD, True), ({**HEAD, **change}, False)):
        checks = Checks("harmony")
        check_head(checks, "harmony.head.json", orjson.dumps(head), HARMONY)
        assert (not checks.faults) == good


class Softmax(Linear):
    """64 to the probabilities of 128; the last is about 1e-8 whatever comes in."""

    def __init__(self, last: float = -14.0) -> None:
        self.weight = np.random.default_rng(0).normal(0, 0.1, (64, 128)).astype(np.float32)
        self.bias = np.append(np.zeros(127, np.float32), np.float32(last))

    def __call__(self, x: np.ndarray) -> np.ndarray:
        y = np.exp(super().__call__(x) + self.bias)
        return np.asarray(y / y.sum(), np.float32)


def of_random_calls(change: Callable[[dict[str, Any]], object], model: Linear) -> Checks:
    """The checks of a melody file against a golden file that was made of another object of the same weights."""
    vectors = contract_inputs(MELODY.inputs, 16, 4)
    data = golden_vectors(Softmax(), MELODY, vectors[8:], vectors[:8], random=answers(Softmax(), MELODY))
    file = orjson.loads(data)
    change(file)
    checks = Checks("melody")
    check_random(checks, "golden.json", orjson.dumps(file), RunnableFile("m.json", model, 64, None, allowed=MELODY))
    return checks


def test_a_wrong_weight_that_no_golden_vector_shows_is_found() -> None:
    assert of_random_calls(lambda file: None, Softmax()).findings == []
    wrong = Softmax(last=-13.9)
    assert np.abs(wrong(np.zeros(64)) - Softmax()(np.zeros(64))).max() < 1e-6
    (fault,) = of_random_calls(lambda file: None, wrong).faults
    assert "m.json against the answers to random calls in golden.json: off by" in fault.message


@pytest.mark.parametrize(
    ("change", "says", "severity"),
    [
        (lambda file: file.pop("random"), "holds no answers to random calls", "note"),
        (lambda file: file["random"].update(input_checksum="0"), "drawn otherwise here", "note"),
        (lambda file: file["random"]["answers"].pop(), "m.json", "fault"),
        (lambda file: file["random"]["answers"].__setitem__(7, None), "infinity|nan|inf", "fault"),
        (lambda file: file.update(random=[]), "m.json", "fault"),
    ],
)
def test_what_the_answers_to_random_calls_may_lack(
    change: Callable[[dict[str, Any]], object], says: str, severity: str
) -> None:
    (finding,) = of_random_calls(change, Softmax()).findings
    assert finding.severity == severity and re.search(says, finding.message)
