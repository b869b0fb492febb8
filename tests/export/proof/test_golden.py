from __future__ import annotations

import hashlib
import struct

import numpy as np
import orjson
import pytest

from kmidi_lab.contract_features import AUDIO_FEATURES
from kmidi_lab.errors import ExportError, RegistryError
from kmidi_lab.export.proof.golden import golden_vectors, verify_golden

RNG = np.random.default_rng(5)
TYPICAL, SEQUENCE = RNG.normal(size=(9, 3)), RNG.normal(size=(8, 3))


class Running:
    """A model with state: 3 -> 2, the running sum of its inputs."""

    def __init__(self) -> None:
        self.sum = np.zeros(3, np.float32)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        self.sum = self.sum + x
        return self.sum[:2]

    def reset(self) -> None:
        self.sum = np.zeros(3, np.float32)


class Forgetless(Running):
    def reset(self) -> None:
        """Keeps what it has."""


class Constant:
    def __init__(self, value: np.ndarray) -> None:
        self.value = value

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return self.value

    def reset(self) -> None:
        """Has no state."""


@pytest.fixture
def data(make_contract) -> bytes:
    return golden_vectors(Running(), make_contract(3, 2, state="one note a call"), TYPICAL, SEQUENCE)


def test_fields(data, make_contract):
    file = orjson.loads(data)
    assert {k: file[k] for k in ("id", "contract_version", "feature_version", "input_size", "output_size")} == {
        "id": "toymodel",
        "contract_version": "1",
        "feature_version": "contract-v1",
        "input_size": 3,
        "output_size": 2,
    }
    assert "sample_rate" not in file
    assert [len(file[part][side]) for part in ("sequence", "typical") for side in ("inputs", "outputs")] == [8, 8, 9, 9]


def test_audio_models_say_their_sample_rate(make_contract):
    contract = make_contract(3, 2, features=AUDIO_FEATURES)
    assert orjson.loads(golden_vectors(Running(), contract, TYPICAL, SEQUENCE))["sample_rate"] == 16_000


def test_checksums_by_hand(data):
    file = orjson.loads(data)
    for side in ("input", "output"):
        rows = file["sequence"][f"{side}s"] + file["typical"][f"{side}s"]
        raw = b"".join(struct.pack("<f", value) for row in rows for value in row)
        assert file[f"{side}_checksum"] == hashlib.sha256(raw).hexdigest()


def test_replays_with_state_from_reset(data):
    assert verify_golden(data, Running(), 0.0) == 0.0


def test_typical_calls_each_start_from_reset(data):
    file = orjson.loads(data)
    np.testing.assert_array_equal(np.float32(file["typical"]["outputs"]), np.float32(TYPICAL)[:, :2])
    np.testing.assert_allclose(file["sequence"]["outputs"], SEQUENCE.cumsum(0)[:, :2], rtol=1e-5)


def test_a_model_that_keeps_old_state_fails(data):
    used = Forgetless()
    used(np.ones(3))
    with pytest.raises(ExportError, match="golden call 0 is off by 1"):
        verify_golden(data, used, 1e-4)


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (Constant(np.zeros(2)), "off by"),
        (Constant(np.full(2, np.nan)), "off by inf"),
        (Constant(np.zeros(3)), r"gives \[3\], must be \[2\]"),
    ],
)
def test_another_model_fails(data, call, reason):
    with pytest.raises(ExportError, match=reason):
        verify_golden(data, call, 1e-4)


@pytest.mark.parametrize("side", ["inputs", "outputs"])
def test_changed_vectors_do_not_match_their_checksums(data, side):
    file = orjson.loads(data)
    file["typical"][side][0][0] += 1e-3
    with pytest.raises(RegistryError, match="checksums"):
        verify_golden(orjson.dumps(file), Running(), 1.0)


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"id": "a", "sequence": {"inputs": [[1], [1, 2]]}}'])
def test_broken_files_are_refused(data):
    with pytest.raises(RegistryError, match="broken"):
        verify_golden(data, Running(), 1.0)


@pytest.mark.parametrize(
    ("typical", "sequence"),
    [(TYPICAL[:7], SEQUENCE), (TYPICAL, SEQUENCE[:7]), (TYPICAL, SEQUENCE[:, :2]), (TYPICAL[0], SEQUENCE)],
)
def test_inputs_must_fit(make_contract, typical, sequence):
    with pytest.raises(ValueError, match="8"):
        golden_vectors(Running(), make_contract(3, 2), typical, sequence)


@pytest.mark.parametrize("call", [Constant(np.full(2, np.nan)), Constant(np.zeros(3))])
def test_outputs_must_fit(make_contract, call):
    with pytest.raises(ExportError, match="golden outputs"):
        golden_vectors(call, make_contract(3, 2), TYPICAL, SEQUENCE)
