"""compose.audio=style.json: the style of a recording that was heard before, with the effect of the recording itself."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kmidi_lab.audio.style import Style
from kmidi_lab.composition.players import Players
from kmidi_lab.composition.reference import Reference, listened
from kmidi_lab.composition.request import SongRequest
from kmidi_lab.composition.song import composed
from kmidi_lab.errors import ConfigError
from kmidi_lab.inference.published import release_root
from kmidi_lab.midi.sound import wav_bytes

ROWS = {
    "tempo": 93.4, "metre": 4, "triple": -0.1, "swing": 0.9, "regularity": 0.5, "energy": 0.8, "density": 0.6,
    "brightness": 0.1, "dynamic_range": 0.2, "percussive_share": 0.2, "voices": 0.3, "valence": -0.4, "arousal": 0.3,
    "key_clarity": 0.5, "confidence": 0.9, "unsure": None, "beats": [0.5, 1.14], "downbeats": [0.5],
}  # fmt: skip


def style_file(folder: Path, text: str | None = None, **other: Any) -> Path:
    path = folder / "style.json"
    path.write_text(json.dumps({"feel_style": 1} | ROWS | other) if text is None else text)
    return path


def taken(audio: Path | Style, folder: Path) -> tuple[Reference, list[str]]:
    return listened(audio, Players(None, folder))


def test_a_style_file_says_what_the_recording_said_without_listening_again(tmp_path: Path) -> None:
    players = Players(None, tmp_path)
    reference, remarks = listened(style_file(tmp_path), players)
    assert remarks == [] and players.trace == {}
    assert reference.lines("", "")[0] == "as in style.json: tempo 93, swing 0.90, energy 0.70, arousal +0.30"
    assert reference.trace()["by"] == "a style file"


def test_its_name_says_nothing_and_its_mark_of_utf_8_is_skipped(tmp_path: Path) -> None:
    named = style_file(tmp_path).rename(tmp_path / "mine.wav")
    named.write_bytes(b"\xef\xbb\xbf\n" + named.read_bytes())
    assert taken(named, tmp_path)[0].tempo == 93.4


def test_of_an_unsure_style_nothing_is_used_and_of_one_by_rule_what_a_rule_knows(tmp_path: Path) -> None:
    reference, [remark] = taken(style_file(tmp_path, unsure="no steady beat"), tmp_path)
    assert reference.tempo is None and remark.startswith("the recording: no steady beat; nothing of it is used")
    reference, remarks = taken(style_file(tmp_path, unsure="no trained model", by_rule=True), tmp_path)
    assert (reference.tempo, reference.swing, reference.arousal, remarks) == (93.4, None, None, [])


@pytest.mark.parametrize(
    ("text", "read", "arousal", "said"),
    [
        ("my bicycle has two wheels", ("neutral", ""), 0.3, "the text names no feeling, so the song is as lively as"),
        ("my bicycle has two wheels", ("neutral", "too short"), 0.3, "the text's mood is not sure (too short)"),
        ("mi bicicleta es roja y tiene dos ruedas", ("neutral", ""), 0.3, "the text's mood is not sure (not English)"),
        ("I am so happy today", ("happy", ""), None, ""),
    ],
)
def test_a_text_without_a_feeling_leaves_the_mood_to_the_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, read: tuple[str, str], arousal: float | None, said: str
) -> None:
    players = Players(None, tmp_path)
    reading = SimpleNamespace(
        valence=0.0, arousal=0.0, label=read[0], arc="", arc_said=False, why=read[1], unsure=bool(read[1]),
        dominance=0.0, complexity=0.4,
    )  # fmt: skip
    own = players.ask
    monkeypatch.setattr(players, "ask", lambda model, *a, **k: reading if model == "intent" else own(model, *a, **k))
    monkeypatch.setattr(players, "note", lambda *_: None)
    monkeypatch.setattr("kmidi_lab.composition.summaries.of_reading", lambda read: {})
    song = composed(SongRequest(text, audio=style_file(tmp_path), bars=4), players, 1)
    taken_up = any("arousal +0.30" in line for line in song.remarks)
    assert (song.brief.mood.arousal == 0.3, taken_up) == (arousal == 0.3, arousal == 0.3)
    assert not said or any(line.startswith(said) for line in song.remarks)


def test_a_neutral_mood_that_is_typed_is_no_open_one(tmp_path: Path) -> None:
    asked = SongRequest("a tune", audio=style_file(tmp_path), emotion="0,0", bars=4)
    song = composed(asked, Players(None, tmp_path), 1)
    assert song.brief.mood.arousal == 0 and not any("arousal" in line for line in song.remarks)


WRONG = [
    ({"feel_style": 2}, "feel_style is 2, and 1 is read"),
    ({"feel_style": True}, "feel_style is True, and 1 is read"),
    ({"tempo": "fast"}, "tempo is 'fast', and must be a number from 30 to 300"),
    ({"tempo": 1e9}, "tempo is 1000000000.0, and must be a number from 30 to 300"),
    ({"swing": True}, "swing is True, and must be a number from 0 to 1"),
    ({"energy": 1.5}, "energy is 1.5, and must be a number from 0 to 1"),
    ({"arousal": -2}, "arousal is -2, and must be a number from -1 to 1"),
    ({"metre": 5}, "metre is 5, and must be 3 or 4"),
    ({"unsure": 3}, "unsure is 3, and must be a text, or null"),
    ({"by_rule": 1}, "by_rule is 1, and must be true or false"),
    ({"beats": [2.0, 1.0]}, "beats is [2.0, 1.0], and must be a list of at most 10,000 rising numbers"),
    ({"beats": "1 2 3"}, "beats is '1 2 3', and must be a list"),
    ({"tempi": 3}, "a value: 'tempi' is not allowed. Did you mean 'tempo'?"),
]


@pytest.mark.parametrize(
    ("change", "line"), WRONG, ids=[next(iter(change)) + str(n) for n, (change, _) in enumerate(WRONG)]
)
def test_each_fault_of_a_style_file_is_one_line(change: dict[str, Any], line: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        taken(style_file(tmp_path, **change), tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'style.json'}: {line}") and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("{", "is not JSON"),
        ('{"feel_style": NaN}', "is not JSON"),
        ('{"model": "feel", "readings": []}', "is no style, which has feel_style"),
        (json.dumps({"feel_style": 1, "tempo": 90}), "metre is missing"),
        ('{"feel_style": 1,' + " " * 300_000 + "}", "more than 256 KiB"),
        ("{" + '"a":{' * 2000, "is not JSON"),
    ],
)
def test_what_is_no_style_is_one_line_that_says_what_to_name(text: str, line: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        taken(style_file(tmp_path, text), tmp_path)
    said = str(caught.value)
    assert line in said and said.endswith("name the style.json of task=predict model=feel, or a recording")
    assert "\n" not in said


@pytest.mark.slow
def test_a_song_of_a_style_file_or_of_its_style_is_that_of_the_recording(tmp_path: Path, make, called) -> None:
    heard = tmp_path / "heard.wav"
    heard.write_bytes(wav_bytes(make(emotion="0.4,0.4", style="pop", sections="verse 8, chorus 8").midi))
    asked = called("task=predict", "model=feel", f"predict.audio={heard}", f"models_root={release_root()}")
    assert asked.returncode == 0, asked.stderr
    [written] = (tmp_path / "outputs" / "predict" / "feel").glob("*/style.json")
    players = Players(release_root(), tmp_path)
    style = players.ask("feel", audio=str(heard)).style
    songs = [
        composed(SongRequest(audio=audio, bars=8), Players(release_root(), tmp_path), 1)
        for audio in (heard, written, style)
    ]
    assert songs[0].midi == songs[1].midi == songs[2].midi
    assert [s.trace["reference"]["by"] for s in songs] == ["audiofeelanalyzer", "a style file", "a style file"]
    assert songs[0].midi != make(bars=8, emotion="0,0").midi, "the recording has an effect"


def test_the_command_refuses_a_style_file_by_one_line(tmp_path: Path, called) -> None:
    done = called("task=compose", f"compose.audio={style_file(tmp_path, tempo=7)}")
    assert done.returncode == 2 and done.stdout == ""
    assert "tempo is 7, and must be a number from 30 to 300" in done.stderr and "Traceback" not in done.stderr
