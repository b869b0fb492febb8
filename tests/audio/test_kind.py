"""Speech, music or neither: the steps of docs/audio.md one by one, levels, silence, and what the packaged file says of
itself.
"""

from __future__ import annotations

from math import exp, log, sqrt

import numpy as np
import orjson
import pytest

from kmidi_lab.audio import level
from kmidi_lab.audio.kind import (
    KINDS,
    PATH,
    STATISTICS,
    KindHead,
    KindListener,
    head,
    not_taken,
    packaged,
    statistics,
)
from kmidi_lab.audio.mel import RATE, log_mel

Chances = dict[str, float]


def by_the_page(frames: list[list[float]]) -> list[float]:
    """The steps of docs/audio.md with plain numbers."""
    level = [log(sum(exp(x) for x in frame) / 128) for frame in frames]
    top = max(level)
    shape = [[max(x, top - 9) - at for x in f] for f, at in zip(frames, level, strict=True) if at > top - 5]
    coarse = [[sum(f[4 * g : 4 * g + 4]) / 4 for g in range(32)] for f in shape]
    fine = [[f[i] - sum(f[min(max(j, 0), 127)] for j in range(i - 4, i + 5)) / 9 for i in range(128)] for f in shape]

    def mean(values: list[float]) -> float:
        return sum(values) / len(values) if values else float("nan")

    def spread(values: list[float]) -> float:
        return sqrt(mean([(v - mean(values)) ** 2 for v in values]))

    out = [mean([c[g] for c in coarse]) for g in range(32)]
    out += [spread([c[g] for c in coarse]) for g in range(32)]
    pairs = list(zip(coarse, coarse[1:], strict=False))
    out += [mean([abs(b[g] - a[g]) for a, b in pairs]) for g in range(32)]
    out += [mean([spread(f[q : q + 32]) for f in fine]) for q in (0, 32, 64, 96)]
    for lag in (2, 8, 24):
        for half in (slice(0, 64), slice(64, 128)):
            alike = []
            for a, b in zip(fine, fine[lag:], strict=False):
                x, y = a[half], b[half]
                both = sum(p * q for p, q in zip(x, y, strict=True))
                alike.append(both / (sqrt(sum(p * p for p in x) * sum(q * q for q in y)) + 1e-3))
            out.append(mean(alike))
    held = [max(at, top - 7) for at in level]
    out += [mean([abs(b - a) for a, b in zip(held, held[step:], strict=False)]) for step in (1, 4, 16)]
    change = [b - a for a, b in zip(held, held[1:], strict=False)]
    out += [spread(held), mean([float(at > top - 5) for at in level])]
    out += [sqrt(mean([max(c, 0) ** 2 for c in change])), sqrt(mean([max(-c, 0) ** 2 for c in change]))]
    return [*out, mean([float(c > 0.1) for c in change]), mean([float(c < -0.1) for c in change])]


@pytest.mark.parametrize("length", [30, 12])
def test_statistics_are_those_of_the_page(length: int) -> None:
    """Of 12 frames none lies 24 (or a level 16) behind another: there is no such statistic, and it counts as the mean."""
    rng = np.random.default_rng(length)
    frames = (rng.normal(-6, 2, (length, 128)) + rng.normal(0, 0.7, (length, 1))).astype(np.float32)
    frames[3] -= 8  # silent
    expected = by_the_page(frames.astype(float).tolist())
    assert len(expected) == STATISTICS
    assert statistics(frames) == pytest.approx(expected, abs=1e-5, nan_ok=True)
    assert np.isfinite(head().chances(np.array(expected))).all()
    assert np.isnan(expected).sum() == (0 if length == 30 else 3)


def test_the_chances_are_a_softmax_of_values_and_distances() -> None:
    one = np.zeros(STATISTICS)
    weight = np.zeros((3, 2 * STATISTICS))
    weight[0, 0], weight[1, STATISTICS + 1] = 1.0, 0.5
    judge = KindHead(one + 2, one + 0.5, weight, np.array([0.0, 0.1, 0.2]), {})
    values = one + 2
    values[0], values[1] = 2.25, -100.0  # half a deviation above the mean; beyond four deviations
    logits = np.array([0.5, 0.5 * 4 + 0.1, 0.2])
    assert judge.chances(values) == pytest.approx(np.exp(logits) / np.exp(logits).sum())


def chances(samples: np.ndarray) -> Chances | None:
    listener = KindListener()
    for frame in log_mel(np.asarray(samples, np.float32)):
        listener.push(frame)
    return listener.chances()


def noise(seconds: float) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.1, round(seconds * RATE))


def test_noise_is_neither_however_loud_and_whatever_silence_is_around() -> None:
    told = [chances(noise(3)), chances(noise(3) / 30), chances(np.pad(noise(3), (7 * RATE, 3 * RATE)))]
    for one in told:
        assert one is not None and tuple(one) == KINDS and sum(one.values()) == pytest.approx(1)
        assert one["neither"] > 0.9
    assert told[0] == pytest.approx(told[1], abs=0.02), "the level drops out"


def test_silence_and_what_is_too_short_are_not_judged() -> None:
    assert chances(np.zeros(4 * RATE)) is None
    assert chances(np.zeros(0)) is None
    assert chances(np.pad(noise(0.5), (RATE, 2 * RATE))) is None


def test_a_background_of_another_sound_has_no_say() -> None:
    """Eight seconds of hiss 40 dB below what is heard behind them."""
    t = np.arange(4 * RATE) / RATE
    notes = sum(np.sin(2 * np.pi * 220 * k * t) * np.exp(-4 * (t % 0.5)) / k for k in range(1, 6)) / 4
    alone, behind = chances(notes), chances(np.concatenate([noise(8) / 100, notes]))
    assert alone is not None and behind is not None
    assert alone["music"] > 0.5 and behind == pytest.approx(alone, abs=0.1)
    before = chances(np.concatenate([noise(8), notes]))
    assert before is not None and before["neither"] > 0.5


@pytest.mark.parametrize(
    ("told", "takes", "said"),
    [
        ((0.9, 0.06, 0.04), "music", "sounds like speech (0.90), this model takes music"),
        ((0.1, 0.2, 0.7), "speech", "sounds like neither speech nor music (0.70), this model takes speech"),
        ((0.9, 0.06, 0.04), "speech", ""),
        ((0.36, 0.34, 0.3), "speech", ""),
    ],
)
def test_what_a_model_does_not_take_is_said(told: tuple[float, ...], takes: str, said: str) -> None:
    assert not_taken(dict(zip(KINDS, told, strict=True)), takes) == said


def test_the_packaged_file_says_what_it_gives_and_how_often_it_errs() -> None:
    told = packaged()
    golden = np.array(orjson.loads(level.GOLDEN_PATH.read_bytes())["input"], np.float32)
    assert told["check"]["input"] == level.GOLDEN_PATH.name
    assert head().chances(statistics(golden)) == pytest.approx(told["check"]["chances"], abs=2e-5)
    figures = told["figures"]
    assert min(figures["test"]["auroc"].values()) > 0.95
    clean, changed = figures["false_alarms_validation"].values()
    # A sound is heard once as it is and in four conditions; the shares are rounded.
    alarms = {source: (clean[source] + 4 * changed[source]) / 5 for source in clean if source != "RAVDESS, song"}
    assert len(alarms) > 8 and max(alarms.values()) <= told["false_alarms"] + 5e-4
    assert all(source["licence"] for source in told["data"]) and PATH.stat().st_size < 20_000
