"""compose.audio: what a song takes of a recording, and what is said where little can be taken."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile

from kmidi_lab.composition.bands import bands
from kmidi_lab.composition.brief import Mood, chosen
from kmidi_lab.composition.briefing import brief_of
from kmidi_lab.composition.form import Stretch
from kmidi_lab.composition.players import Player, Players
from kmidi_lab.composition.reference import Reference, as_full, listened
from kmidi_lab.composition.request import SongRequest
from kmidi_lab.composition.telling import told_of
from kmidi_lab.errors import ConfigError, UserError
from kmidi_lab.inference.published import release_root
from kmidi_lab.midi.sound import wav_bytes

RATE = 16_000


@dataclass
class Listener:
    """Players of which one listens and says what it is told to say."""

    style: SimpleNamespace
    fallback: bool = False

    def __post_init__(self) -> None:
        self.trace = {"feel": Player("feel", "a rule" if self.fallback else "audiofeelanalyzer", self.fallback)}

    def ask(self, model: str, **settings: Any) -> SimpleNamespace:
        assert model == "feel" and set(settings) == {"audio"}
        return SimpleNamespace(style=self.style)


def style(**other: Any) -> SimpleNamespace:
    facts = {
        "tempo": 93.4, "swing": 0.9, "energy": 0.8, "density": 0.6, "valence": -0.4, "arousal": 0.3,
        "percussive_share": 0.2, "confidence": 0.9, "unsure": "", "in_three": False, "by_rule": False,
    }  # fmt: skip
    return SimpleNamespace(**(facts | other))


def heard(fallback: bool = False, **other: Any) -> tuple[Reference, list[str]]:
    return listened("ref.wav", Listener(style(by_rule=fallback, **other), fallback))  # type: ignore[arg-type]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "ref.wav"
    soundfile.write(path, np.zeros(RATE), RATE)
    return path


def test_a_song_has_the_tempo_swing_energy_and_arousal_of_the_recording(recording: Path) -> None:
    reference, remarks = heard()
    assert remarks == []
    assert reference.lines("", "")[0] == "as in ref.wav: tempo 93, swing 0.90, energy 0.70, arousal +0.30"
    brief = brief_of(SongRequest(audio=recording, style="pop"), None, 1, reference=reference)
    assert brief.tempo == 93.4 and brief.energy == pytest.approx(0.7)
    assert brief.band.swing == pytest.approx(0.15) and brief.band.groove == "swing"
    assert brief.mood.arousal == 0.3
    assert reference.trace()["by"] == "audiofeelanalyzer"


@pytest.mark.parametrize("valence", [-0.4, -0.01, 0.01, 0.06, 0.4])
def test_a_valence_that_the_model_does_not_know_decides_nothing(recording: Path, valence: float) -> None:
    """Its sign says nothing, so a song of nearly the same recording is not in minor here and in major there."""
    reference, _ = heard(valence=valence)
    brief = brief_of(SongRequest(audio=recording), None, 1, reference=reference)
    assert brief.mood.valence == 0 and str(brief.spelling) == str(
        brief_of(SongRequest(emotion="0,0.3"), None, 1).spelling
    )
    assert "whether it is glad or sad is not heard" in reference.lines("", "")[-1]


def test_what_is_said_in_words_comes_first(recording: Path) -> None:
    reference, _ = heard()
    request = SongRequest(audio=recording, emotion="0.5,0.5", tempo=140)
    brief = brief_of(request, None, 1, reference=reference)
    assert brief.tempo == 140 and brief.mood.valence == 0.5
    assert reference.lines(request.tempo_by, request.mood_by) == [
        "as in ref.wav: swing 0.90, energy 0.70",
        "its tempo 93 is not used: compose.tempo=140 was typed",
        "no bars of three beats are heard for sure, so the song is in 4/4: compose.metre=… sets another",
    ]
    told = brief_of(SongRequest("I feel happy", audio=recording), Mood(0.6, 0.2), 1, reference=reference)
    assert told.mood.valence == 0.6 and told.tempo == 93.4
    assert SongRequest("a slow song", audio=recording).tempo_by == "the text says 75"


def test_bars_of_three_are_taken_where_they_are_sure_and_nothing_else_says_a_metre(recording: Path) -> None:
    reference, _ = heard(in_three=True)
    request = SongRequest("one minute long", audio=recording)
    brief = brief_of(request, None, 1, reference=reference)
    assert brief.metre.name == "3/4" and brief.bars == 32, "of three beats at 93"
    assert "metre 3/4" in reference.lines("", "", request.metre_by)[0]
    for said, by in (
        (SongRequest("a song in 6/8", audio=recording), "the text says 6/8"),
        (SongRequest("sad", metre="4/4", audio=recording), "compose.metre=4/4 was typed"),
    ):
        assert brief_of(said, None, 1, reference=reference).metre is said.metre
        assert f"its metre 3/4 is not used: {by}" in reference.lines("", "", said.metre_by)
    unknown, _ = heard()
    assert brief_of(SongRequest("sad", audio=recording), None, 1, reference=unknown).metre.name == "4/4"
    assert heard(in_three=True, unsure="no steady beat")[0].metre == ""


def test_a_form_that_is_said_lasts_as_long_as_is_asked_for_in_the_metre_that_is_heard(recording: Path) -> None:
    reference, _ = heard(in_three=True)
    request = SongRequest("AABA, two minutes", audio=recording)
    brief = brief_of(request, None, 1, reference=reference)
    form = request.extent.form(brief.tempo, brief.metre)
    assert form and [stretch.bars for stretch in form] == [16] * 4 and brief.bars == 64, "of three beats at 93.4: 123 s"
    assert "length 64 bars from the text (two minutes)" in told_of(request, brief)
    styled = SongRequest("AABA, two minutes", style="dance")
    fast = brief_of(styled, None, 1)
    assert fast.tempo > 110 and fast.bars * 4 * 60 / fast.tempo == pytest.approx(120, abs=8)


@pytest.mark.slow
def test_a_waltz_of_our_own_is_heard_as_one_and_no_song_in_four_is(tmp_path: Path, make) -> None:
    for metre, style, heard_as in (
        ("3/4", "pop", "3/4"),
        ("3/4", "rock", "3/4"),
        ("4/4", "pop", ""),
        ("4/4", "jazz", ""),
    ):
        song = make(emotion="0.4,0.4", style=style, metre=metre, sections="verse 8, chorus 8")
        path = tmp_path / f"{metre[0]}{style}.wav"
        path.write_bytes(wav_bytes(song.midi))
        reference, _ = listened(path, Players(release_root(), tmp_path))
        assert reference.metre == heard_as, (metre, style)


def test_even_music_is_not_played_swung() -> None:
    reference, _ = heard(swing=0.05)
    jazz = chosen("", Mood(0, 0), 8, 1, band=bands()["jazz"])
    assert jazz.band.groove == "swing"
    assert reference.applied(jazz).band.groove == "straight" and reference.applied(jazz).band.swing < 0.01


def test_of_drums_alone_arousal_follows_energy() -> None:
    reference, _ = heard(percussive_share=0.95)
    assert reference.mood().valence == 0 and reference.arousal == pytest.approx(0.6)


@pytest.mark.parametrize(
    "unsure", ["no steady beat (confidence 0.20, 0.5 is needed)", "too short: 2.0 s, 4 s are needed"]
)
def test_where_the_model_is_unsure_nothing_of_the_recording_is_used(recording: Path, unsure: str) -> None:
    reference, [remark] = heard(unsure=unsure, energy=0.9, arousal=0.9)
    assert (reference.tempo, reference.swing, reference.energy, reference.arousal) == (None,) * 4
    assert remark.startswith(f"the recording: {unsure}; nothing of it is used") and "compose.tempo" in remark
    request = SongRequest(audio=recording)
    brief = brief_of(request, None, 1, reference=reference)
    assert brief.energy is None and (brief.mood.valence, brief.mood.arousal) == (0, 0)


def test_a_rule_that_stands_in_says_the_tempo_and_no_swing_and_no_mood() -> None:
    reference, _ = heard(True, unsure="no trained model; a rule stood in")
    assert (
        reference.tempo == 93.4 and reference.swing is None and reference.by == "a rule" and reference.arousal is None
    )
    assert reference.lines("", "")[0] == "as in ref.wav: tempo 93, energy 0.70"


def test_sections_keep_their_order_of_energy_and_have_the_mean() -> None:
    plan = [Stretch("verse", 8, 0.3, 0.3), Stretch("chorus", 8, 0.6, 0.3)]
    quiet = as_full(plan, 0.225)
    assert [s.energy for s in quiet] == pytest.approx([0.15, 0.3])
    assert as_full(plan, None) == plan and max(s.energy for s in as_full(plan, 1.0)) == 1.0


def clicks(path: Path, seconds: float, bpm: float = 100) -> Path:
    wave = np.zeros(round(seconds * RATE), np.float32)
    burst = np.random.default_rng(0).normal(0, 0.3, 1600) * np.exp(-np.arange(1600) / 300)
    for at in np.arange(0, seconds - 0.2, 60 / bpm):
        wave[round(at * RATE) :][:1600] += burst
    soundfile.write(path, wave.clip(-1, 1), RATE)
    return path


@pytest.mark.slow
def test_a_song_from_a_recording_alone_without_any_model(tmp_path: Path, make) -> None:
    audio = clicks(tmp_path / "ref.wav", 12)
    song = make(models=False, audio=str(audio), bars=8)
    assert song.brief.tempo == pytest.approx(100, rel=0.03)
    assert song.trace["reference"]["by"] == "autocorrelation of onsets"
    assert any(r.startswith("as in ref.wav: tempo ") for r in song.remarks)
    assert "feel: no trained model; autocorrelation of onsets stood in" in song.remarks


@pytest.mark.parametrize("kind", ["missing", "silent", "long", "truncated", "folder", "text"])
def test_a_recording_that_can_not_be_used_is_one_line(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "ref.wav"
    if kind == "silent":
        soundfile.write(path, np.zeros(RATE * 5), RATE)
    elif kind == "long":
        soundfile.write(path, np.tile(np.float32([0.5, -0.5]), 3600 * 4000), 8000, subtype="PCM_U8")
    elif kind == "truncated":
        path.write_bytes(clicks(path, 5).read_bytes()[:40])
    elif kind == "folder":
        path.mkdir()
    elif kind == "text":
        path.write_text("no sound")
    with pytest.raises(UserError) as error:
        listened(SongRequest(audio=path).audio or "", Players(None, tmp_path))
    assert "\n" not in str(error.value) and "predict." not in str(error.value) and "ref.wav" in str(error.value)


def test_an_audio_of_another_kind_is_said() -> None:
    with pytest.raises(ConfigError, match=r"compose\.audio=3 must be the name of a recording or a style file"):
        SongRequest(audio=3)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"compose\.audio=…"):
        SongRequest()
