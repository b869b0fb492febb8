"""Chord readers on small files in the published layouts, good and broken."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datamodules.harmony import jazz_standards, kmidi, music21_corpus, pop909, progressions, rntxt
from datamodules.shared.library import Reading
from kmidi_lab.chords.asking import affect_of, lexicon
from kmidi_lab.chords.chord import ChordError, Key
from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.chords.key_finding import estimate_key


def jazz_file(root: Path, entries: object) -> Path:
    path = root / jazz_standards.FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(entries if isinstance(entries, str) else json.dumps(entries), encoding="utf-8")
    return path


def standard(chords: str, **extra: object) -> dict[str, object]:
    sections = [{"Label": "A", "MainSegment": {"Chords": chords}, **extra}]
    return {"Title": "T", "Key": "C", "TimeSignature": "4/4", "Sections": sections}


def names(song) -> list[str]:
    return [str(e.chord) for e in song.events]


def test_jazz_bars_beats_holds_and_alternatives(tmp_path: Path) -> None:
    jazz_file(tmp_path, [standard("Dm7,G7|C(Am7),|F,,C7,|Bb6,(A7)")])
    [song] = jazz_standards.read(tmp_path).items
    assert names(song) == ["Dm7", "G7", "C", "F", "C7", "Bb6"]
    assert [(e.start, e.bars) for e in song.events] == [(0, 0.5), (0.5, 0.5), (1, 1), (2, 0.5), (2.5, 0.5), (3, 1)]


def test_jazz_endings_and_repeats_are_played_out(tmp_path: Path) -> None:
    jazz_file(tmp_path, [standard("C|F", Endings=[{"Chords": "G7"}, {"Chords": "Bb"}])])
    assert names(jazz_standards.read(tmp_path).items[0]) == ["C", "F", "G7", "C", "F", "Bb"]
    jazz_file(tmp_path, [standard("C|F", Repeats=1)])
    assert names(jazz_standards.read(tmp_path).items[0]) == ["C", "F", "C", "F"]


def test_jazz_reports_every_bad_symbol_and_keeps_the_rest(tmp_path: Path) -> None:
    jazz_file(tmp_path, [standard("C|Q7|F|Xyz|G7"), {"Title": "broken"}, 7, standard("C|C"), standard("C|F")])
    reading = jazz_standards.read(tmp_path)
    assert [s.title for s in reading.items] == ["T", "T"]
    assert reading.reasons() == {
        "unreadable chord symbol": 2,
        "not in the published layout": 2,
        "fewer than two distinct chords in a row": 1,
    }
    assert "bar 2" in reading.problems[0].where


@pytest.mark.parametrize("text", ["", "{", "{}", "null", "[[[[", "\x00"])
def test_jazz_file_that_is_no_list_of_songs(tmp_path: Path, text: str) -> None:
    jazz_file(tmp_path, text)
    reading = jazz_standards.read(tmp_path)
    assert not reading.items
    assert len(reading.problems) == 1


def pop_song(root: Path, chords: str, beats: str | None = None, keys: str | None = None) -> None:
    folder = root / "pop909" / "001"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "chord_midi.txt").write_text(chords)
    if beats is not None:
        (folder / "beat_midi.txt").write_text(beats)
    if keys is not None:
        (folder / "key_audio.txt").write_text(keys)


BEATS = "\n".join(f"{t * 0.5} 1.0 {1.0 if t % 4 == 0 else 0.0}" for t in range(33))


def test_pop909_times_become_bars_and_keys_follow_the_moment(tmp_path: Path) -> None:
    pop_song(tmp_path, "0 2 N\n2 4 C:maj\n4 6 G:7\n6 8 D:min/b3\n", BEATS, "0 5 C:maj\n5 20 D:min\n")
    [song] = pop909.read(tmp_path).items
    assert names(song) == ["C", "G7", "Dm/F"]
    assert [(e.start, e.bars) for e in song.events] == [(1, 1), (2, 1), (3, 1)]
    assert [e.key for e in song.events] == [Key(0, 1), Key(0, 1), Key(2, -1)]


def test_pop909_broken_lines_are_counted(tmp_path: Path) -> None:
    pop_song(
        tmp_path, "0 2 C:maj\nx y z\n2 1 F:maj\n3 4 Q:maj\n4 nan G:maj\n5\n6 8 G:maj\n", "garbage\n1 2\n", "0 9 H:maj\n"
    )
    reading = pop909.read(tmp_path)
    assert names(reading.items[0]) == ["C", "G"]
    assert reading.items[0].events[0].start is None
    assert reading.reasons()["times are not ordered"] == 2
    assert reading.reasons()["line is not 'start end chord'"] == 2
    assert reading.reasons()["unreadable chord symbol"] == 1
    assert reading.reasons()["unreadable key line"] == 1


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_crash_a_reader(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    root = tmp_path_factory.mktemp("fuzz")
    for name in (
        "pop909/001/chord_midi.txt",
        "pop909/001/beat_midi.txt",
        jazz_standards.FILE,
        "kmidi/chord_progressions_db.json",
        "a.rntxt",
    ):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    pop909.read(root)
    jazz_standards.read(root)
    kmidi.read(kmidi.files(root))
    rntxt.read_piece(root / "a.rntxt", Reading("x", "x"))


def test_rntxt_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "piece.rntxt"
    path.write_text(
        "Composer: X\nTitle: Little Piece\nTime Signature: 3/4\n\nm1 C: I b3 V65\nm2 I a: b2 V7 b3 i\nm2var1 C: IV\nm3-4 = m1-2\nm5 V6/5/iv b2 foo\n"
    )
    reading = Reading("rntxt", "x")
    song = rntxt.read_piece(path, reading)
    assert song is not None
    assert names(song) == ["C", "G7/B", "C", "E7", "Am", "C", "G7/B", "C", "E7", "Am", "A7/Db"]
    assert [str(e.key) for e in song.events[:5]] == ["C major", "C major", "C major", "A minor", "A minor"]
    assert song.events[1].start == pytest.approx(2 / 3)
    assert [p.detail for p in reading.problems] == [
        "Roman numeral 'foo' is not readable: 'foo' has no numeral I to VII"
    ]


def test_kmidi_sibling_formats(tmp_path: Path) -> None:
    database = {
        "_description": "x",
        "pop": {
            "a": {"intervals": [[0, "maj"], [7, "dom7"], [9, "min"]], "feel": "Uplifting, Dark"},
            "b": {"bars": [{"bar": 1, "chord": [0, "dom7"]}, {"bar": 5, "chord": [5, "dom7"]}]},
            "c": {"degrees": ["1", "b7", "4"], "qualities": ["maj", "maj", "min"]},
            "d": {"numerals": "ii7 V7 Imaj7"},
            "e": {"description": "words only"},
            "f": {"intervals": [["x", "maj"]]},
        },
        "list": [{"name": "g", "numerals": ["I", "IV"]}],
    }
    (tmp_path / "chord_progressions_db.json").write_text(json.dumps(database))
    reading = kmidi.read(kmidi.files(tmp_path))
    assert {s.title: names(s) for s in reading.items} == {
        "a": ["C", "G7", "Am"], "b": ["C7", "F7"], "c": ["C", "Bb", "Fm"], "d": ["Dm7", "G7", "Cmaj7"], "g": ["C", "F"],
    }  # fmt: skip
    assert reading.items[1].events[0].bars == 4.0
    assert reading.items[0].affect == affect_of(["uplifting", "dark"])
    assert reading.items[1].affect is None
    assert reading.reasons() == {"no chords: a description only": 1, "unreadable chords": 1}


# In the layouts of KmiDi's chord_progressions.json, chord_progression_families.json and common_progressions.json.
BY_FUNCTION = {
    "metadata": {"name": "Chord Progressions Database"},
    "progressions_by_function": {
        "turnarounds": {
            "description": "back to the tonic",
            "examples": [
                {
                    "name": "Jazz Turnaround",
                    "numerals": ["I", "VI7", "ii", "V7"],
                    "example_C": ["Cmaj7", "A7", "Dm7", "G7"],
                }
            ],
        }
    },
    "progressions_by_emotion": {"bittersweet": [{"numerals": ["I", "V", "vi", "iv"], "name": "Minor Four"}]},
    "modal_progressions": {
        "lydian": {"characteristic": "#IV", "examples": [["I", "II", "I", "II"], ["I", "#IVdim", "V", "I"]]},
        "locrian": {"characteristic": "rare", "examples": [["idim", "bII", "idim", "bII"]]},
    },
}
FAMILIES = {
    "_notation": {"degrees": "semitones"},
    "blues_progressions": {
        "minor-blues": {"degrees": [0, 5, 8, 7, 0], "roman": "i - iv - bVI - V - i", "feel": "Dark, moody"}
    },
    "gospel_progressions": {"walk": {"degrees": [0, 7, 9, 5], "roman": "I - V/vi - vi - IV"}},
    "bare": {"only numbers": {"degrees": [0, 9, 5, 7]}, "odd": {"degrees": [0, 2, 7], "roman": "I - IV - V"}},
    "functional_categories": {"tonic_function": {"chords": ["I", "iii", "vi"], "degrees": [0, 4, 9]}},
    "cadence_types": {
        "plagal": {"pattern": "IV - I", "degrees": [5, 0]},
        "half": {"pattern": "? - V", "degrees": ["any", 7]},
    },
}
COMMON = {
    "jazz": {
        "ii-V-I": {
            "numerals": ["ii", "V", "I"], "intervals": [2, 7, 0], "feel": "Classic",
            "variants": {"major": ["iim7", "V7", "Imaj7"], "minor": ["iim7b5", "V7", "im7"]},
        }
    },
    "blues": {"minor_blues": {"numerals": ["i", "VI", "V", "i"], "intervals": [0, 8, 7, 0]}},
    "gospel_worship": {"I-V/vii-vi": {"numerals": ["I", "V/vii", "vi"], "intervals": [0, 7, 9]}},
    "modal": {"phrygian_vamp": {"numerals": ["i", "bII"], "intervals": [0, 1], "mode": "phrygian"}},
}  # fmt: skip


def test_every_file_of_kmidi_is_read_and_the_rest_counted(tmp_path: Path) -> None:
    folder = tmp_path / "kmidi"
    folder.mkdir()
    for name, content in zip(kmidi.FILES[1:], (BY_FUNCTION, FAMILIES, COMMON), strict=True):
        (folder / name).write_text(json.dumps(content))
    reading = kmidi.read(kmidi.files(tmp_path))
    assert {s.title: (" ".join(names(s)), s.events[0].key.mode) for s in reading.items} == {
        "Jazz Turnaround": ("C A7 Dm G7", 1), "Minor Four": ("C G Am Fm", 1), "lydian: I II I II": ("C D C D", 1),
        "lydian: I #IVdim V I": ("C Gbdim G C", 1), "locrian: idim bII idim bII": ("Cdim Db Cdim Db", -1),
        "minor-blues": ("Cm Fm Ab G Cm", -1), "walk": ("C G/A Am F", 1), "only numbers": ("C Am F G", 1), "plagal": ("F C", 1),
        "ii-V-I": ("Dm G C", 1), "ii-V-I (major)": ("Dm7 G7 Cmaj7", 1), "ii-V-I (minor)": ("Dm7b5 G7 Cm7", -1),
        "minor_blues": ("Cm Ab G Cm", -1), "I-V/vii-vi": ("C G/B Am", 1), "phrygian_vamp": ("Cm Db", -1),
    }  # fmt: skip
    assert len({s.id for s in reading.items}) == len(reading.items)
    reasons = {(p.where.split(" / ")[-1], p.reason): p.detail for p in reading.problems}
    assert reasons.keys() == {
        ("tonic_function", "a set of chords, not a progression"), ("half", "unreadable chords"), ("odd", "unreadable chords")
    }  # fmt: skip
    assert "'?'" in reasons["half", "unreadable chords"]
    assert "'IV' and the 2 semitones beside it" in reasons["odd", "unreadable chords"]


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, "7", "null", "[[[[]]]]", '{"a": {"b": 1e999}}', "9" * 10_000]
)
def test_no_json_ends_a_reading(tmp_path: Path, text: str) -> None:
    (tmp_path / kmidi.FILES[0]).write_text(text)
    jazz_file(tmp_path, text)
    for reading in (kmidi.read(kmidi.files(tmp_path)), jazz_standards.read(tmp_path)):
        assert not reading.items
        assert len(reading.problems) == 1


def test_a_title_with_half_a_character_is_text(tmp_path: Path) -> None:
    jazz_file(tmp_path, '[{"Title": "\\ud800 blues", "Key": "C", "Sections": [{"MainSegment": {"Chords": "C|F|G7"}}]}]')
    [song] = jazz_standards.read(tmp_path).items
    assert song.title.encode() == b"? blues"


@pytest.mark.parametrize(
    "sections",
    [
        {"MainSegment": {"Chords": "C|F|" * 500}, "Endings": [{"Chords": "G7"}] * 5_000},
        {"MainSegment": {"Chords": "|" * 1_000}, "Endings": [{"Chords": ""}] * 100_000},
        {"MainSegment": {"Chords": "C," * 10**6}},
        {"MainSegment": {"Chords": "C|F"}, "Repeats": 10**30},
        {"MainSegment": {"Chords": "C|F"}, "Repeats": float("inf")},
    ],
)
def test_endless_charts_are_bounded_and_counted(tmp_path: Path, sections: dict[str, object]) -> None:
    jazz_file(tmp_path, [{"Title": "long", "Key": "C", "Sections": [sections]}, standard("C|F")])
    began = time.process_time()
    reading = jazz_standards.read(tmp_path)
    assert time.process_time() - began < 5
    assert reading.items[-1].title == "T"
    assert len(reading.items) + len(reading.problems) == 2


def test_embedded_database_reads_whole_and_is_rich() -> None:
    reading = progressions.read_embedded()
    assert not reading.problems
    genres = [s.tags[0] for s in reading.items]
    for genre in (
        "pop",
        "rock",
        "jazz",
        "blues",
        "folk",
        "classical",
        "modal",
        "film",
        "gospel",
        "latin",
        "electronic",
    ):
        assert genres.count(genre) >= 20, genre
    assert len(reading.items) >= 300
    assert all(s.affect is not None for s in reading.items)


def test_bars_and_repeats_of_numerals() -> None:
    placed = progressions.parse_bars("I vi | % | IV", Key(0, 1))
    assert [(str(c), at, n) for c, at, n in placed] == [
        ("C", 0, 0.5), ("Am", 0.5, 0.5), ("C", 1, 0.5), ("Am", 1.5, 0.5), ("F", 2, 1),
    ]  # fmt: skip
    with pytest.raises(ChordError):
        progressions.parse_bars("% | I", Key(0, 1))


def test_lexicon_is_in_range_and_unknown_stays_unknown() -> None:
    assert all(-1 <= v <= 1 and -1 <= a <= 1 for v, a in lexicon().values())
    assert lexicon()["happy"] == (0.8, 0.6)
    assert affect_of(["no such feeling"]) is None
    assert affect_of(["happy", "no such feeling"]) == (0.8, 0.6)


def test_key_of_plain_progressions() -> None:
    for symbols, key in (("C F G7 C", Key(0, 1)), ("Am Dm E7 Am", Key(9, -1)), ("Ebmaj7 Cm7 Fm7 Bb7", Key(3, 1))):
        chords = [parse_jazz(s) for s in symbols.split()]
        assert estimate_key(chords, [1.0] * len(chords)) == key


def test_best_template_of_sounding_notes() -> None:
    assert str(music21_corpus.best_template([48, 55, 64, 72])) == "C"
    assert str(music21_corpus.best_template([47, 55, 62, 65])) == "G7/B"
    assert music21_corpus.best_template([60, 67]) is None
