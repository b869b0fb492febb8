"""Vocabularies, labels and measures of instruments."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from datamodules.instrument.clips import attack_of, brightness_of, sustain_of
from kmidi_lab.audio.augment import equalise_by_knots
from kmidi_lab.audio.mel import log_mel
from kmidi_lab.contracts import INSTRUMENT
from kmidi_lab.models.instrument.features import (
    CLASSES,
    EVIDENCE,
    FAMILY_OF,
    INSTRUMENTS,
    LOSS_WEIGHTS,
    TRAINED,
    encode,
    energy_of,
    pitch_of,
    place,
    register_of,
)

RATE = 16_000


def tone(hertz: float, seconds: float, rise_s: float = 0.005, fall_db_s: float = 0.0) -> np.ndarray:
    time = np.arange(int(seconds * RATE)) / RATE
    level = np.minimum(1, time / rise_s) * 10 ** (-fall_db_s * np.maximum(0, time - rise_s) / 20)
    return (0.5 * level * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def test_vocabularies_fill_their_slices() -> None:
    for name, classes in CLASSES.items():
        assert len(set(classes)) == len(classes) == INSTRUMENT.output(name).size
    assert set(TRAINED) == set(EVIDENCE) == set(LOSS_WEIGHTS) < {s.name for s in INSTRUMENT.outputs}
    assert set(FAMILY_OF) == set(INSTRUMENTS) - {"synthesizer"}
    assert set(FAMILY_OF.values()) <= set(CLASSES["family"])


def test_what_is_unknown_is_masked() -> None:
    target, mask = encode({"family": 5, "vibrato": 3})
    assert target.sum() == 2
    assert target[INSTRUMENT.output("family").start + 5] == target[INSTRUMENT.output("vibrato").start + 3] == 1
    assert mask.sum() == 16 + 4
    with pytest.raises(ValueError, match="register has places 0 to 3"):
        encode({"register": 4})


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.sampled_from(TRAINED), st.integers(0, 3)))
def test_every_known_slice_has_one_place(labels: dict[str, int]) -> None:
    target, mask = encode(labels)
    for s in INSTRUMENT.outputs:
        assert target[s.index].sum() == (s.name in labels)
        assert (mask[s.index] == (s.name in labels)).all()
        if s.name in labels:
            assert target[s.index].argmax() == labels[s.name]


@pytest.mark.parametrize(
    ("name", "pitch"), [("C4", 60), ("As3", 58), ("Bb3", 58), ("Gs5", 80), ("C#-1", 1), ("H3", None), ("", None)]
)
def test_pitch_names(name: str, pitch: int | None) -> None:
    assert pitch_of(name) == pitch


def test_registers_and_energies() -> None:
    assert [register_of(p) for p in (47, 48, 59, 60, 71, 72)] == [0, 1, 1, 2, 2, 3]
    assert [energy_of(v) for v in (1, 16, 64, 127)] == [0, 1, 4, 7]
    assert place("technique", "trill") == 4


def test_brightness_is_where_the_power_lies() -> None:
    assert [brightness_of(log_mel(tone(hz, 0.5))) for hz in (200, 700, 1500, 4000)] == [0, 1, 2, 3]


def test_a_slow_attack_is_a_higher_place() -> None:
    places = [attack_of(tone(440, 1.5, rise)) for rise in (0.002, 0.06, 0.2, 0.9)]
    assert places == sorted(places)
    assert places[0] <= 2
    assert places[-1] == 7


def test_sustain_is_the_fall_before_the_release() -> None:
    assert [sustain_of(tone(440, 2, fall_db_s=fall)) for fall in (150, 60, 18, 4, 0.0)] == [0, 1, 3, 5, 7]
    released = np.concatenate([tone(440, 1), tone(440, 0.2, fall_db_s=150)])
    assert sustain_of(released) >= 6
    assert sustain_of(tone(440, 0.03)) is None


def test_equaliser_is_smooth_and_bounded() -> None:
    x = torch.zeros(8, 3, 128)
    y = equalise_by_knots(x, 6.0, torch.Generator().manual_seed(0))
    limit = 6 * np.log(10) / 10
    assert y.abs().max() <= limit
    assert torch.equal(y[:, 0], y[:, 2])
    assert y.diff(dim=-1).abs().max() <= 2 * limit / 31
    assert not torch.allclose(y[0], y[1])
