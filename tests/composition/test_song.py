"""Whole songs: what returns is known again, what was asked is there, and the file says what it holds to any reader."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import re
import warnings
from itertools import pairwise
from pathlib import Path

import mido
import numpy as np
import pretty_midi
import pytest

from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.composition.picture import song_picture
from kmidi_lab.composition.request import SongRequest
from kmidi_lab.errors import UserError
from kmidi_lab.midi.reading import open_file
from kmidi_lab.song import Arrangement, Note

TEXT = "I'm feeling lost and searching"
MOODS = ("sad", "joyful", "angry")


def sung(song: Arrangement, number: int) -> list[tuple[float, float, int]]:
    """The lead's notes of a section, from its start on; a last bar, which a song may close with, left out."""
    start, stop = song.span(song.sections[number])
    lead = song.part("lead")
    return [(n.start - start, n.duration, n.pitch) for n in lead.notes if start <= n.start < stop - 4]


@pytest.mark.slow
def test_the_same_request_gives_the_same_bytes_and_another_seed_another_song(sketch) -> None:
    first, other = sketch(text=TEXT), sketch(text=TEXT, seed=2)
    again = sketch.__wrapped__(text=TEXT)
    assert first.midi == again.midi
    assert first.trace == again.trace
    assert first.midi != other.midi


@pytest.mark.slow
def test_a_chorus_that_returns_is_the_same_chorus(sketch) -> None:
    song = sketch(emotion="joyful", sections="verse 8, chorus 8, verse 4, chorus 8, chorus 4, outro 2").arrangement
    tunes = {number: sung(song, number) for number in range(5)}
    first, again = ({(at, pitch) for at, _, pitch in tunes[n]} for n in (1, 3))
    assert 0.6 < len(first & again) / len(first | again) < 1.0, "the same chorus, with a singer's liberties"
    begun = {(at, pitch) for at, _, pitch in tunes[1] if at < 2}
    assert begun <= again and begun <= {(at, pitch) for at, _, pitch in tunes[4]}
    assert [(at, pitch) for at, _, pitch in tunes[2] if at < 8] == [(at, pitch) for at, _, pitch in tunes[0] if at < 8]
    assert tunes[0] != tunes[1]


@pytest.mark.slow
def test_an_arc_changes_where_a_song_is_full(sketch, tmp_path: Path) -> None:
    def early_and_late(arc: str) -> float:
        path = tmp_path / f"{arc}.json"
        path.write_text(json.dumps({"song_intent": {"mood_primary": "Longing", "narrative_arc": arc}}))
        song = sketch(intent=str(path), bars=64).arrangement
        energy = [s.energy for s in song.sections for _ in range(s.bars)]
        return float(np.mean(energy[32:]) - np.mean(energy[:32]))

    assert early_and_late("Descent") < 0 < early_and_late("Climb-to-Climax")


@pytest.mark.slow
def test_a_sad_sentence_is_in_minor_and_slow_a_happy_one_in_major_and_fast(sketch) -> None:
    sad, happy = (
        sketch(text="I am so sad and lonely since she left", bars=8).brief,
        sketch(text="I feel so happy and alive today", bars=8).brief,
    )
    assert (sad.key.mode, happy.key.mode) == (-1, 1)
    assert sad.tempo < 90 < happy.tempo


@pytest.mark.slow
def test_any_reader_finds_tracks_programs_markers_key_and_tempo(sketch) -> None:
    song = sketch(text=TEXT, bars=64)
    file = mido.MidiFile(file=io.BytesIO(song.midi))
    names = [next((m.name for m in t if m.type == "track_name"), "") for t in file.tracks]
    assert names[1:] == ["Lead", "Chords", "Pad", "Bass", "Harmony", "Drums"]
    markers = [m.text for m in file.tracks[0] if m.type == "marker"]
    assert markers == [s.name for s in song.arrangement.sections]
    read = pretty_midi.PrettyMIDI(io.BytesIO(song.midi))
    programs = {i.program for i in read.instruments if not i.is_drum}
    assert programs == set(song.brief.band.programs.values())
    assert read.get_tempo_changes()[1][0] == pytest.approx(song.brief.tempo, rel=1e-3)
    assert len(read.key_signature_changes) == 1
    assert sum(i.is_drum for i in read.instruments) == 1


@pytest.mark.slow
def test_the_song_ends_at_rest(sketch) -> None:
    for settings in ({"text": TEXT}, {"emotion": "joyful"}, {"chords": "C F G C", "bars": 16}):
        song = sketch(**settings)
        last = song.arrangement.chords[-1].chord
        assert last.label == (song.brief.key.tonic, 1 if song.brief.key.mode < 0 else 0)
        lead = song.arrangement.part("lead")
        assert all(note.stop <= song.arrangement.length + 1e-6 for note in lead.notes)


@pytest.mark.slow
def test_a_typed_form_is_kept(sketch) -> None:
    song = sketch(emotion="calm", sections="Intro 2, verse 4, pre-chorus 4, chorus 3")
    assert [(s.name, s.bars) for s in song.arrangement.sections] == [
        ("intro", 2),
        ("verse", 4),
        ("pre-chorus", 4),
        ("chorus", 3),
    ]


@pytest.mark.slow
def test_own_chords_and_key_are_played(sketch) -> None:
    song = sketch(chords="Em C | G | D", bars=16, emotion="calm")
    verse = song.arrangement.sections[0]
    start, _ = song.arrangement.span(verse)
    played = [song.arrangement.chord_at(start + 4 * bar).chord for bar in range(3)]
    assert [c.root for c in played] == [parse_jazz(s).root for s in ("Em", "G", "D")]
    typed = sketch(emotion="calm", key="F#", bars=8, models=False)
    assert str(typed.brief.spelling) == "F# major"
    assert typed.trace["key"] == "F# major"


@pytest.mark.slow
def test_the_tune_fits_its_chords_better_than_by_chance(make) -> None:
    """Chord tones on strong beats, against the same tune over the chords of another place."""
    fits, shifted = [], []
    for mood in MOODS:
        song = make(emotion=mood, bars=16).arrangement
        strong = [n for n in song.part("lead").notes if n.start % 2 == 0]
        fits += [n.pitch % 12 in song.chord_at(n.start).chord.tones for n in strong]
        shifted += [n.pitch % 12 in song.chord_at((n.start + 4) % song.length).chord.tones for n in strong]
    assert np.mean(fits) > 0.65
    assert np.mean(fits) > np.mean(shifted) + 0.15


@pytest.mark.slow
def test_an_arc_that_the_words_ask_for_is_taken_and_gibberish_is_said_to_be_unsure(sketch) -> None:
    assert sketch(text="it builds slowly from grief to hope", bars=8).brief.arc == "Climb-to-Climax"
    song = sketch(text="xqzt brrgl fnord", bars=8)
    assert "not sure" in song.remarks[0]
    assert song.brief.mood.valence == 0


@pytest.mark.slow
def test_each_missing_model_is_named_and_stood_in_for(sketch) -> None:
    song = sketch(text=TEXT, models=False)
    named = [line for line in song.remarks if "stood in" in line]
    assert [line.partition(":")[0] for line in named] == [m["model"] for m in song.trace["models"]]
    assert all(m["fallback"] and m["sha256"] is None for m in song.trace["models"])
    released = sketch(text=TEXT)
    assert released.remarks == ()
    assert all(len(m["sha256"]) == 64 and not m["fallback"] and m["calls"] for m in released.trace["models"])


@pytest.mark.slow
def test_a_rule_that_the_intent_breaks_is_broken(sketch, tmp_path: Path) -> None:
    wish = {
        "song_root": {"core_event": "she left"},
        "song_intent": {"mood_primary": "Longing", "narrative_arc": "Slow Reveal"},
        "technical_constraints": {
            "technical_key": "F",
            "technical_mode": "major",
            "technical_tempo_range": [70, 74],
            "technical_rule_to_break": "HARMONY_AvoidTonicResolution",
            "rule_breaking_justification": "it must not come home",
        },
    }
    path = tmp_path / "song.json"
    path.write_text(json.dumps(wish))
    song = sketch(intent=str(path), bars=16, models=False)
    assert song.brief.tempo == 72
    assert str(song.brief.spelling) == "F major"
    assert song.arrangement.chords[-1].chord.root != 5
    assert song.trace["rules_broken"] == ["HARMONY_AvoidTonicResolution"]


@pytest.mark.slow
def test_a_rule_that_makes_bars_which_the_drum_model_does_not_know_still_gives_a_song(sketch, tmp_path: Path) -> None:
    path = tmp_path / "song.json"
    constraints = {"technical_rule_to_break": "RHYTHM_DroppedBeats", "rule_breaking_justification": "it limps"}
    path.write_text(json.dumps({"song_intent": {"mood_primary": "Rage"}, "technical_constraints": constraints}))
    song = sketch(intent=str(path), bars=24)
    assert {m.numerator for m in song.arrangement.metres} != {4}
    assert "played as they are written" in song.remarks[0]


@pytest.mark.slow
def test_an_intent_with_a_minor_mode_is_in_minor(sketch, tmp_path: Path) -> None:
    path = tmp_path / "song.json"
    path.write_text(json.dumps({"technical_constraints": {"technical_key": "A", "technical_mode": "minor"}}))
    assert str(sketch(intent=str(path), bars=8, models=False).brief.spelling) == "A minor"


@pytest.mark.slow
def test_what_the_questions_say_that_an_answer_changes_is_changed(sketch, tmp_path: Path) -> None:
    def song(**fields: object):
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.json"
        path.write_text(json.dumps({"song_intent": {"mood_primary": "Longing", **fields}}))
        return sketch(intent=str(path), bars=24, models=False)

    low, high = song(vulnerability_scale="Low"), song(vulnerability_scale="High")
    assert sum(s.energy for s in low.arrangement.sections) > sum(s.energy for s in high.arrangement.sections)
    assert song(mood_secondary_tension=1.0).brief.mood.complexity == 1
    path = tmp_path / "mode.json"
    path.write_text(
        json.dumps({"song_intent": {"mood_primary": "Grief"}, "technical_constraints": {"technical_mode": "major"}})
    )
    assert sketch(intent=str(path), bars=8, models=False).brief.key.mode == 1


def test_a_silence_is_silent_and_no_lead_note_sounds_into_the_next(sketch) -> None:
    song = sketch(emotion="joyful", style="jazz", sections="verse 4, silence 2, verse 5").arrangement
    start, stop = song.span(song.sections[1])
    assert not [n for p in song.parts for n in p.notes if start <= n.start < stop]
    lead = song.part("lead").notes
    assert all(a.stop <= b.start + 1e-6 for a, b in pairwise(lead))


@pytest.mark.slow
def test_signs_in_a_text_are_only_signs(sketch) -> None:
    song = sketch(text="cost 5$ 50% off 3$ {x} = ${y}", bars=8, models=False)
    assert song_picture(song.arrangement, song.brief.title, song.brief.spelling)[1:4] == b"PNG"
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of matplotlib, where a font lacks a sign
        assert song_picture(song.arrangement, "メロディ \U0001f3b5 $x$ ถ", song.brief.spelling)[1:4] == b"PNG"
    assert "\n" not in sketch(text="one line\nand another", bars=8, models=False).brief.title


@pytest.mark.slow
def test_drums_and_velocities_are_those_of_players_not_of_the_pattern(sketch) -> None:
    song = sketch(emotion="joyful", bars=32)
    read = pretty_midi.PrettyMIDI(io.BytesIO(song.midi))
    drums = next(i for i in read.instruments if i.is_drum)
    written = {n.velocity for n in song.arrangement.part("drums").notes}
    assert len({n.velocity for n in drums.notes}) > 2 * len(written)
    beat = 60 / song.brief.tempo / 4
    off = np.array([n.start / beat - round(n.start / beat) for n in drums.notes])
    assert 0.005 < np.abs(off).mean() < 0.25


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({}, "nothing to compose from"),
        ({"text": "  "}, "nothing to compose from"),
        ({"text": "sad", "bars": 3}, "compose.bars=3 must be a whole number from 4 to 400"),
        ({"text": "sad", "seed": -1}, "seed=-1 must be a whole number from 0 to"),
        ({"text": "sad", "bars": 8.5}, "compose.bars=8.5"),
        ({"text": "sad", "tempo": 0}, "compose.tempo=0 must be"),
        ({"text": "sad", "tempo": float("nan")}, "compose.tempo=nan"),
        ({"text": "sad", "style": "polka"}, "compose.style: 'polka' is not allowed"),
        ({"text": "sad", "key": "H"}, "key 'H'"),
        ({"text": "sad", "sections": "verse 8, refrain 8"}, "'refrain' is not allowed"),
        ({"text": "sad", "sections": "verse many"}, "verse has many bars"),
        ({"text": "sad", "sections": "verse 8," * 65}, "65 sections"),
        ({"chords": "C Xyz"}, "compose.chords, bar 2"),
        ({"emotion": "joyyy"}, "compose.emotion='joyyy'"),
        ({"text": "word " * 10_000}, "compose.text has 49999 characters"),
        ({"intent": "missing.yaml"}, "missing.yaml"),
    ],
)
def test_what_cannot_be_asked_is_one_line(settings: dict[str, object], line: str) -> None:
    with pytest.raises(UserError) as caught:
        SongRequest(**settings)  # type: ignore[arg-type]
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_the_command_writes_a_song_a_picture_a_trace_and_sound(called, sketched, tmp_path: Path) -> None:
    done = called("task=compose", f"compose.text={TEXT}", "compose.bars=8", f"compose.out={tmp_path}/mine.mid")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "mine.mid").read_bytes()[:4] == b"MThd"
    trace = json.loads((tmp_path / "mine.json").read_text())
    assert trace["title"] == TEXT
    assert all(" | ".join(section["chords"]) in done.stdout for section in trace["form"]["sections"])
    assert (tmp_path / "mine.png").read_bytes()[1:4] == b"PNG"
    [folder] = (tmp_path / "outputs" / "compose").iterdir()
    assert not [path for path in folder.iterdir() if path.name.startswith(("song", "mine"))]
    import soundfile

    page = (tmp_path / "mine.html").read_text()
    [held] = re.findall(r'src="data:audio/ogg;base64,([^"]+)"', page)
    heard, hertz = soundfile.read(io.BytesIO(base64.b64decode(held)))
    assert np.abs(heard).max() > 0.3 and len(page) < 1_000_000
    [picture] = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    assert base64.b64decode(picture) == (tmp_path / "mine.png").read_bytes()

    sound, rate = soundfile.read(tmp_path / "mine.wav")
    assert rate == 48000 and 0.8 < np.abs(sound).max() <= 1.0
    assert len(sound) / rate > 8 * 4 * 60 / 180
    assert len(heard) / hertz == pytest.approx(min(len(sound) / rate, 60), abs=0.1)
    refused = called("task=compose", "compose.text=sad", "compose.out=song.txt")
    assert refused.returncode == 2 and "compose.out=song.txt must end in .mid" in refused.stderr


def test_a_song_that_is_written_a_second_time_leaves_no_mixed_set(called, sketched, tmp_path: Path) -> None:
    """A foreign song.wav stays, and with it nothing of the new song but the MIDI file that was named."""
    (tmp_path / "song.wav").write_bytes(b"of another song")
    typed = ("compose.text=sad", "compose.bars=4", "compose.sound=false", f"compose.out={tmp_path}/song.mid")
    done = called("task=compose", *typed)
    [folder] = (tmp_path / "outputs" / "compose").iterdir()
    assert done.returncode == 0 and f"what goes with the new song.mid is in {folder}" in done.stdout
    assert [path.name for path in sorted(tmp_path.glob("song.*"))] == ["song.mid", "song.wav"]
    assert [path.name for path in sorted(folder.glob("song.*"))] == ["song.html", "song.json", "song.png"]
    assert (tmp_path / "song.wav").read_bytes() == b"of another song"


def test_a_set_that_a_run_wrote_is_replaced_as_a_whole_until_somebody_changes_it(
    called, sketched, tmp_path: Path
) -> None:
    typed = ("task=compose", "compose.bars=4", f"compose.out={tmp_path}/song.mid")
    assert called(*typed, "compose.text=sad").returncode == 0
    first = {path.suffix: path.read_bytes() for path in tmp_path.glob("song.*")}
    assert {*first} == {".mid", ".png", ".json", ".wav", ".html"}
    again = called(*typed, "compose.text=happy", "compose.sound=false", "compose.seed=5")
    assert json.loads((tmp_path / "song.json").read_text())["seed"] == 5
    second = {path.suffix: path.read_bytes() for path in tmp_path.glob("song.*")}
    assert "stay" not in again.stdout and "song.wav of the song before is removed" in again.stdout
    assert {*second} == {*first} - {".wav"} and all(second[end] != first[end] for end in second)
    (tmp_path / "song.png").write_bytes(b"drawn by hand")
    third = called(*typed, "compose.text=calm", "compose.sound=false")
    assert "song.png was there before and stays" in third.stdout
    assert (tmp_path / "song.png").read_bytes() == b"drawn by hand"
    assert (tmp_path / "song.json").read_bytes() == second[".json"]


def test_a_second_song_of_another_ending_takes_no_file_of_the_first(called, sketched, tmp_path: Path) -> None:
    """`own.mid` and `own.midi` share the names of all others."""
    typed = ("task=compose", "compose.bars=4", "compose.text=sad")
    assert called(*typed, f"compose.out={tmp_path}/own.mid").returncode == 0
    first = {path.name: path.read_bytes() for path in tmp_path.glob("own.*")}
    again = called(*typed, "seed=2", "compose.sound=false", f"compose.out={tmp_path}/own.midi")
    assert again.returncode == 0 and "own.wav, own.html, own.json were there before and stay" in again.stdout
    assert len(first) == 5 and all((tmp_path / name).read_bytes() == data for name, data in first.items())


def test_a_song_whose_writing_was_cut_short_is_written_anew_by_the_next(
    called, sketched, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    typed = ("task=compose", "compose.bars=4", "compose.sound=false", f"compose.out={tmp_path}/cut.mid")
    assert called(*typed, "compose.text=sad").returncode == 0
    rename = Path.replace

    def cut(self: Path, target: Path) -> Path:
        if Path(target).name == "cut.html":
            raise KeyboardInterrupt
        return rename(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", cut)
        with contextlib.suppress(KeyboardInterrupt):
            assert called(*typed, "compose.text=happy").returncode
    third = called(*typed, "compose.text=calm")
    assert third.returncode == 0 and "stay" not in third.stdout
    trace = json.loads((tmp_path / "cut.json").read_text())
    written = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in tmp_path.glob("cut.[!j]*")}
    assert trace["title"] == "calm" and "replacing" not in trace
    assert written.items() == trace["files"].items() - {("cut.json", trace["files"]["cut.json"])}


def _spread(notes: tuple[Note, ...]) -> int:
    return max(n.pitch for n in notes) - min(n.pitch for n in notes)


@pytest.mark.slow
def test_a_lead_can_be_sung(make) -> None:
    for mood in MOODS:
        lead = make(emotion=mood, bars=16).arrangement.part("lead").notes
        assert 7 <= _spread(lead) <= 24
        leaps = np.abs(np.diff([n.pitch for n in lead]))
        assert np.mean(leaps <= 4) > 0.6


def test_pitched_parts_are_placed_by_micro_timing_and_the_drums_are_not(sketch) -> None:
    song = sketch(text=TEXT, models=False)
    trace = {m["model"]: m for m in song.trace["models"]}
    assert trace["microtiming"]["calls"] == 1 and trace["microtiming"]["asked"]["parts"] == "pitched"
    assert trace["dynamics"]["asked"]["timing"] is False


@pytest.mark.slow
def test_a_trace_says_in_numbers_what_each_model_was_asked_and_answered(sketch) -> None:
    song = sketch(text=TEXT, bars=64)
    text = json.dumps(song.trace)
    assert len(text) < 60_000 and "MThd" not in text and "array(" not in text
    models = {m["model"]: m for m in song.trace["models"]}
    answers = {model: m["answered"] for model, m in models.items()}
    kinds = {s.name for s in song.arrangement.sections}
    assert models["structure"]["asked"] == {
        "arc": song.brief.arc, "bars": 64, "mood": str(song.brief.mood), "tempo": song.brief.tempo, "metre": "4/4",
    }  # fmt: skip
    assert [(s["name"], s["bars"]) for s in answers["structure"]["sections"]] == [
        (s.name, s.bars) for s in song.arrangement.sections
    ]
    verse = next(s for s in song.trace["form"]["sections"] if s["name"] == "verse")
    assert set(answers["harmony"]) <= kinds and models["harmony"]["calls"] > 16
    assert [c for c, _ in zip(verse["chords"], answers["harmony"]["verse"]["chords"], strict=False)] == (
        answers["harmony"]["verse"]["chords"][: len(verse["chords"])]
    )
    assert 0.05 < answers["harmony"]["verse"]["mean_probability"] < 1
    number = next(i for i, s in enumerate(song.arrangement.sections) if s.name == "verse")
    sung_pitches = [pitch for _, _, pitch in sung(song.arrangement, number)]
    told = answers["melody"]["verse"]
    assert told["lowest"] <= min(sung_pitches) and max(sung_pitches) <= told["highest"]
    drums, lead = song.arrangement.part("drums"), song.arrangement.part("lead")
    assert answers["groove"]["strokes"] == len(drums.notes) and answers["groove"]["spread_shift_ms"] > 1
    played = {t.name: t.notes for t in open_file(song.midi).piece.tracks}
    assert answers["dynamics"]["Lead"]["notes"] == len(lead.notes) == answers["microtiming"]["Lead"]["notes"]
    assert answers["dynamics"]["Lead"]["mean_velocity"] == pytest.approx(played["Lead"]["velocity"].mean(), abs=1e-3)
    written = np.mean([n.velocity for n in lead.notes])
    assert answers["dynamics"]["Lead"]["mean_velocity_before"] == pytest.approx(written, abs=1e-3)
    assert set(answers["dynamics"]) == set(answers["microtiming"]) == {"Lead", "Chords", "Pad", "Bass", "Harmony"}
    late = np.array([n.start for n in sorted(lead.notes)]) - np.sort(played["Lead"]["start"]) / 480
    ms = 60_000 / song.brief.tempo * np.abs(late).mean()
    assert answers["microtiming"]["Lead"]["mean_absolute_offset_ms"] == pytest.approx(ms, abs=0.7)
    assert answers["intent"]["emotion"] == song.brief.mood.words and answers["intent"]["unsure"] == ""


def test_a_trace_of_fallbacks_is_in_numbers_too(sketch) -> None:
    waltz = sketch(text="a calm waltz", bars=24, models=False)
    models = {m["model"]: m for m in json.loads(json.dumps(waltz.trace))["models"]}
    assert all(m["answered"] for m in models.values())
    assert "the drums" in models["microtiming"]["answered"] or waltz.arrangement.part("drums") is None
    assert models["microtiming"]["calls"] == 1 or "parts" not in models["microtiming"]["asked"], "two kinds of parts"
