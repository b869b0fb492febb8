"""What people are asked about the tempo of recordings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from kmidi_lab.errors import ConfigError
from kmidi_lab.inference.published import load_published, release_root
from kmidi_lab.models.feel.predict import HeardFeel


def test_a_recording_is_asked_about_by_its_tempo(tmp_path: Path) -> None:
    root = release_root()
    assert root is not None
    published = load_published(root, "feel")
    assert published is not None
    clicks = np.zeros(16_000 * 8)
    for beat in range(16):
        clicks[beat * 8000 : beat * 8000 + 400] = np.random.default_rng(beat).normal(0, 0.3, 400)
    soundfile.write(tmp_path / "clicks.wav", clicks, 16_000)
    [question] = HeardFeel.questions(tmp_path / "clicks.wav", published)
    guess = HeardFeel.asked(question, published)
    assert guess.chances.sum() == pytest.approx(1) and len(guess.names) == len(guess.chances) == 32
    choices = [float(c) for c in HeardFeel.choices(question, guess, published)]
    assert choices == sorted(choices) and 2 <= len(choices) <= 3
    assert any(abs(c / 120 - 1) < 0.05 for c in choices), "120, or half or twice as much"


def test_labels_are_tempos() -> None:
    for typed, kept in (("96", "96"), ("120.04", "120"), ("92.55", "92.5"), ("1e2", "100")):
        assert HeardFeel.checked_label(typed, None) == kept  # type: ignore[arg-type]
    for typed in ("", "fast", "nan", "inf", "19", "401", "-120"):
        with pytest.raises(ConfigError, match="is no tempo"):
            HeardFeel.checked_label(typed, None)  # type: ignore[arg-type]
    assert HeardFeel.alike("100", "103") and not HeardFeel.alike("100", "106") and not HeardFeel.alike("60", "120")
