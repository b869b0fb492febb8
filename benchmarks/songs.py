"""Leads and chords of composed songs beside people's, and beside three simple generators on the same form.

    DATA_ROOT=… python benchmarks/songs.py [SHEET.png]

Ten sentences are composed, 64 bars each. The generators keep the rhythm: `random` draws notes of the key, `chord tones`
draws tones of the chord, `one phrase` repeats the song's first phrase of four bars, moved to the nearest tones of the
chords. A measure is best where it is nearest to people's. Leads are judged by `songs_tunes.py`, chords by
`songs_chords.py`, sections that return by `songs_form.py`, how they are played by `songs_playing.py`; a sheet
shows the songs' piano rolls.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import songs_chords
import songs_playing
from songs_form import Sung, alike, counted, course, sung_onsets
from songs_form import people as people_by_sections
from songs_sheet import sheet
from songs_tunes import MAJOR, MINOR, Line, measures

from datamodules.melody import pop909
from kmidi_lab.composition.song import Song, compose

SENTENCES = (
    "I'm feeling lost and searching",
    "my grandmother died and the house is empty",
    "we won and the whole town is dancing",
    "I am furious, they lied to me again",
    "a quiet evening by the lake",
    "nostalgic for the summers of my childhood",
    "nervous about tomorrow, I can't sleep",
    "hopeful after a long dark winter",
    "a tender lullaby for my daughter",
    "a defiant song for those who were told to be silent",
)
_BARS, _SONGS = 64, 120
_LOW, _HIGH = 57, 82
NONE = (float("nan"), float("nan"))
"""Of a measure that no song has."""


def line_of(song: Song) -> Line:
    sung = sorted(note for part in song.arrangement.parts if part.role == "lead" for note in part.notes)
    tones = np.zeros((len(sung), 12), bool)
    for i, note in enumerate(sung):
        placed = song.arrangement.chord_at(note.start)
        tones[i, list(placed.chord.tones) if placed else []] = True
    key = song.brief.key
    columns = (np.array([getattr(n, name) for n in sung]) for name in ("start", "duration", "pitch"))
    return Line(*columns, tones, key.tonic, key.mode)


def people() -> list[Line]:
    """Leads of POP909 in 4/4 whose chords are known."""
    root = Path(os.environ["DATA_ROOT"]) / "pop909"
    out = []
    for folder in sorted(root.glob("*"))[:_SONGS]:
        for m in pop909.read([folder / f"{folder.name}.mid"]).items:
            if m.chord is not None and (m.bar == 4).all():
                onset = counted(m.position, sung_onsets(folder))
                tones = m.chord > 0
                out.append(Line(onset, m.duration, m.pitch.astype(int), tones, m.key.tonic, m.key.mode))
    return out


def random_notes(line: Line, rng: np.random.Generator) -> Line:
    scale = MINOR if line.mode < 0 else MAJOR
    choices = [p for p in range(_LOW, _HIGH) if (p - line.tonic) % 12 in scale]
    return line._replace(pitch=rng.choice(choices, len(line.pitch)))


def chord_tones(line: Line, rng: np.random.Generator) -> Line:
    choices = [[p for p in range(_LOW, _HIGH) if tones[p % 12]] for tones in line.tones]
    return line._replace(pitch=np.array([rng.choice(c) for c in choices]))


def one_phrase(line: Line, rng: np.random.Generator) -> Line:
    first = line.onset - line.onset[0] < 16
    pitch = np.resize(line.pitch[first], len(line.pitch))
    strong = line.onset % 2 == 0
    moved = [
        min((q for q in range(p - 6, p + 7) if t[q % 12]), key=lambda q: abs(q - p)) if s else p
        for p, t, s in zip(pitch.tolist(), line.tones, strong, strict=True)
    ]
    return line._replace(pitch=np.array(moved))


def row(every: Sequence[dict[str, float]]) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of each measure over the songs that have it."""
    columns = {name: np.array([m[name] for m in every if not np.isnan(m[name])]) for name in every[0]}
    return {name: (float(own.mean()), float(own.std())) if len(own) else NONE for name, own in columns.items()}


def table(columns: dict[str, dict[str, tuple[float, float]]]) -> None:
    print(f"\n| | {' | '.join(columns)} |\n| --- |{' ---: |' * len(columns)}")
    for name in next(iter(columns.values())):
        cells = ("" if c[name] is NONE else f"{c[name][0]:.2f} ± {c[name][1]:.2f}" for c in columns.values())
        print(f"| {name} | {' | '.join(cells)} |")


def report(songs: Sequence[Song], root: Path) -> None:
    """Prints the tables of leads, of sections that return, of chords, and of how they are played."""
    rng = np.random.default_rng(1)
    lines = [line_of(song) for song in songs]
    makers: dict[str, Callable[[Line, np.random.Generator], Line]] = {
        "random": random_notes,
        "chord tones": chord_tones,
        "one phrase": one_phrase,
    }
    made = {"task=compose": lines} | {name: [make(line, rng) for line in lines] for name, make in makers.items()}
    table({name: row([measures(line) for line in some]) for name, some in {"POP909": people(), **made}.items()})

    sections = [[(s.name, *song.arrangement.span(s)) for s in song.arrangement.sections] for song in songs]
    sung = {
        name: [Sung(line.onset, line.pitch, of) for line, of in zip(some, sections, strict=True)]
        for name, some in made.items()
    }
    sung = {"POP909": people_by_sections(root, _SONGS), **sung}
    table({name: row([alike(one) for one in some]) for name, some in sung.items()})
    table({name: row([course(one) for one in sung[name]]) for name in ("POP909", "task=compose")})

    billboard = songs_chords.people(root)
    pairs = songs_chords.pairs_of(billboard)
    played = [songs_chords.of_arrangement(song.arrangement) for song in songs]
    chords = {"Billboard": billboard, "task=compose": played} | {
        kind: [songs_chords.simple(kind, song, pairs, rng) for song in played]
        for kind in ("random", "four chords", "pairs")
    }
    table({name: row([songs_chords.measures(one) for one in some]) for name, some in chords.items()})

    grooves, nothing = songs_playing.drummers(root), dict.fromkeys(songs_playing.MET, float("nan"))
    columns: dict[str, dict[str, tuple[float, float]]] = {}
    for style in songs_playing.STYLES:
        ours = [songs_playing.bass_and_kick(one, rng) for one in songs_playing.sketches(style, range(1, 5))]
        columns |= {f"Groove MIDI, {style}": row([nothing | one for one in grooves[style]]), style: row(ours)}
    table(columns)
    theirs, heard = songs_playing.players(root), [songs_playing.played(song) for song in songs]
    parts = {"melody of POP909": (theirs, "Melody"), "piano of POP909": (theirs, "Piano")}
    parts |= {name.lower(): (heard, name) for name in ("Lead", "Chords", "Bass")}
    table({name: row([one[part] for one in some if part in one]) for name, (some, part) in parts.items()})
    print(f"\nPOP909: {_SONGS} songs; Billboard: {len(billboard)} songs")


def main() -> None:
    if not os.environ.get("DATA_ROOT"):
        sys.exit("set DATA_ROOT to a folder with pop909/, pop909_structure/, groove/ and billboard/")
    began = time.perf_counter()
    songs = [compose(text, seed=number, bars=_BARS) for number, text in enumerate(SENTENCES, 1)]
    took = (time.perf_counter() - began) / len(songs)
    print(f"{len(songs)} songs of {_BARS} bars, {took:.1f} s each without sound")
    report(songs, Path(os.environ["DATA_ROOT"]))
    for path in sys.argv[1:2]:
        sheet(songs, Path(path))


if __name__ == "__main__":
    main()
