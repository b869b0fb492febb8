"""task=predict model=feel: readings, a style for songs, and what is said of sound that has none."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from kmidi_lab.audio.front_end import PlainEar
from kmidi_lab.audio.mel import RATE, log_mel
from kmidi_lab.contracts import FEEL
from kmidi_lab.errors import UserError
from kmidi_lab.inference.published import Published
from kmidi_lab.inference.session import Session
from kmidi_lab.models.feel.brightness import BrightnessEar
from kmidi_lab.models.feel.features import Excerpt, bin_of, curves_of
from kmidi_lab.models.feel.predict import HeardFeel, HeardMusic


class Steady:
    """A model that hears 100 a minute, swung, and is as sure as it is told to be."""

    def __init__(self, sure: float = 3.0) -> None:
        self.sure, self.calls, self.resets = sure, 0, 0

    def reset(self) -> None:
        self.calls, self.resets = 0, self.resets + 1

    def __call__(self, x: np.ndarray) -> np.ndarray:
        out = np.zeros(FEEL.output_size, np.float32)
        out[FEEL.output("tempo").index] = -3 * (np.arange(32) - bin_of(100)) ** 2
        out[FEEL.output("beat").start] = 5.0 if self.calls % 37.5 < 1 else -5.0
        out[FEEL.output("swing").start], out[FEEL.output("energy").start] = 0.8, 1.4
        out[FEEL.output("confidence").start] = self.sure
        self.calls += 1
        return out


def published(model: Steady) -> Published:
    return Published(FEEL, {}, {}, model)  # type: ignore[arg-type]


def clicks(seconds: float, bpm: float = 100, silence: float = 0.0) -> np.ndarray:
    """Plucked notes with a noisy attack on the beats, up and down a scale, behind some silence."""
    wave, t = np.zeros(round((seconds + silence) * RATE), np.float32), np.arange(9600) / RATE
    attack = np.random.default_rng(0).normal(0, 0.1, len(t)) * np.exp(-t * 100)
    for i, at in enumerate(np.arange(silence, silence + seconds - 0.2, 60 / bpm)):
        hertz = 220 * 2 ** ((0, 4, 7, 12, 7, 4)[i % 6] / 12)
        note = sum(np.sin(2 * np.pi * hertz * k * t) * np.exp(-t * 4 * k) / k for k in range(1, 9)) / 5 + attack
        wave[round(at * RATE) :][: len(note)] += note[: len(wave) - round(at * RATE)]
    return wave.clip(-1, 1)


def asked(model: Steady | None, samples: np.ndarray, folder: Path) -> tuple[HeardMusic, HeardFeel, Session]:
    soundfile.write(folder / "x.wav", samples, RATE)
    request, session = HeardFeel(folder / "x.wav"), Session("feel", folder, folder)
    return request.run(published(model) if model else None, session), request, session


def test_the_style_file_says_how_the_music_goes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer, request, session = asked(Steady(), clicks(12), tmp_path)
    request.show(answer, session)
    style = json.loads((tmp_path / "style.json").read_text())
    assert style["feel_style"] == 1 and style["unsure"] is None
    assert style["tempo"] == pytest.approx(100, abs=1) and style["swing"] == pytest.approx(0.8)
    assert style["energy"] == 1, "values stay within their range"
    assert style["confidence"] == pytest.approx(0.953, abs=0.001)
    assert np.diff(style["beats"]) == pytest.approx(0.6, abs=0.05)
    assert (tmp_path / "timeline.png").read_bytes().startswith(b"\x89PNG")
    told = capsys.readouterr().out
    assert "style: 100" in told and "4/4 (no bars of three heard), swing 0.80 (0 even, 1 triplets)" in told
    assert {reading.values["energy"] for _, reading in answer.readings} == {1.0}, "so do those of each stretch"


def test_the_whole_is_said_with_one_number_for_each_value(tmp_path: Path) -> None:
    class Settling(Steady):
        """Begins with other values than it has later."""

        def __call__(self, x: np.ndarray) -> np.ndarray:
            out = super().__call__(x)
            out[FEEL.output("energy").start] = 0.1 if self.calls < 100 else 0.6
            out[FEEL.output("confidence").start] = -3.0 if self.calls < 100 else self.sure
            return out

    answer, _, _ = asked(Settling(), clicks(12), tmp_path)
    assert answer.style is not None and answer.style.energy > 0.5
    for name, value in answer.summary.values.items():
        assert value == getattr(answer.style, name)
    assert answer.summary.answers["tempo"] == (f"{answer.style.tempo:.0f}", answer.style.confidence)
    assert answer.unsure == answer.style.unsure == ""


def tone(seconds: float, hertz: float) -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)


def test_brightness_is_measured_and_not_the_models(tmp_path: Path) -> None:
    """The model of the test says 0 of everything; a pause changes nothing, and the same sound softer is as bright."""
    said = {}
    for hertz in (200, 1000, 4000):
        answer, _, _ = asked(Steady(), tone(6, hertz), tmp_path)
        assert answer.style is not None
        said[hertz] = answer.style.brightness
        [frame] = log_mel(tone(1, hertz).astype(np.float32))[30:31]
        assert said[hertz] == pytest.approx(np.argmax(frame) / 127, abs=0.02)
        assert [r.values["brightness"] for _, r in answer.readings] == pytest.approx([said[hertz]] * 12, abs=0.02)
    assert said[200] < said[1000] < said[4000]
    paused = np.concatenate([tone(6, 1000), np.zeros(8 * RATE), 0.1 * tone(6, 1000)])
    answer, _, _ = asked(Steady(), paused, tmp_path)
    assert answer.style is not None and answer.style.brightness == pytest.approx(said[1000], abs=0.02)
    assert answer.summary.values["brightness"] == answer.style.brightness


def test_brightness_is_that_of_the_labels() -> None:
    rng = np.random.default_rng(0)
    frames = rng.normal(-4, 2, (600, 128)).astype(np.float32)
    song = Excerpt("a", "rules", "a", frames, np.zeros(0), np.zeros(0), np.array([[1.0, 1, 0.5]]))
    ear = BrightnessEar(PlainEar(lambda frame: True))
    measured = []
    for frame in frames:
        ear(frame)
        measured.append(ear.brightness)
    assert measured == pytest.approx(curves_of(song)[:, 2], abs=1e-5)


def test_a_pause_does_not_reset_it_and_silence_before_is_left_out(tmp_path: Path) -> None:
    model = Steady()
    wave = np.concatenate([clicks(6, silence=2.0), np.zeros(2 * RATE, np.float32), clicks(6)])
    answer, _, _ = asked(model, wave, tmp_path)
    assert model.resets == 2, "before anything, and where sound begins"
    assert answer.style is not None and answer.style.beats[0] == pytest.approx(2.0, abs=0.1)


def test_music_that_stays_at_one_level_and_slow_drums_are_read_to_their_end(tmp_path: Path) -> None:
    """The front-end takes what is steady for 14 s, and the silence between two strokes, for background."""
    noise = np.random.default_rng(0).normal(0, 0.1, 17 * RATE)
    strokes = (np.exp(-(np.arange(17 * RATE) % (1.5 * RATE)) / 1000.0) * noise)[: 6 * RATE]
    for samples, seconds in ((noise, 17), (strokes, 4.5)):
        answer, _, _ = asked(Steady(), np.concatenate([samples, np.zeros(3 * RATE)]), tmp_path)
        ends = [end for end, _ in answer.readings]
        assert np.diff(ends) == pytest.approx(0.5, abs=0.02) and seconds <= ends[-1] <= seconds + 2.6, ends


def test_what_has_no_steady_beat_is_unsure(tmp_path: Path) -> None:
    answer, _, _ = asked(Steady(-2.0), clicks(12), tmp_path)
    assert answer.style is not None and answer.style.unsure.startswith("no steady beat (confidence 0.12")
    short, _, _ = asked(Steady(), clicks(2), tmp_path)
    assert short.unsure.startswith("too short")
    tiny, _, _ = asked(Steady(), clicks(0.3)[: RATE // 10], tmp_path)
    assert not tiny.unsure.startswith("too short: 0.0 s"), tiny.unsure


@pytest.mark.parametrize(("triple", "told"), [(0.07, "3/4 (unsure),"), (0.09, "3/4,")])
def test_bars_of_three_beats_are_told_as_compose_takes_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], triple: float, told: str
) -> None:
    answer, request, session = asked(Steady(), clicks(12), tmp_path)
    assert answer.style is not None
    style = replace(answer.style, metre=3, triple=triple, beats=tuple(map(float, range(24))))
    request.show(replace(answer, style=style), session)
    assert told in capsys.readouterr().out


def test_without_a_model_a_rule_says_the_tempo_and_that_it_is_one(tmp_path: Path) -> None:
    answer, request, session = asked(None, clicks(12), tmp_path)
    assert answer.style is not None and answer.style.tempo == pytest.approx(100, rel=0.03)
    assert answer.unsure.startswith("no trained model; autocorrelation of onsets stood in")
    request.show(answer, session)
    assert json.loads((tmp_path / "style.json").read_text())["unsure"]


@pytest.mark.parametrize("model", [Steady(), None])
@pytest.mark.parametrize(
    ("samples", "says"),
    [(np.zeros(RATE * 5), "silent"), (np.zeros(0), "no samples"), (np.tile(clicks(1), 901), "longer than|900")],
)
def test_sound_that_can_not_be_used_is_one_line(
    model: Steady | None, samples: np.ndarray, says: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=says) as error:
        asked(model, samples, tmp_path)
    assert "\n" not in str(error.value)
