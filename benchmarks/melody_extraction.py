"""How much of POP909's MELODY tracks is found when nothing says which track it is: F1 of notes (onset and pitch).

Also how often the key that a file ends in is heard, in songs that keep their key and in songs that change it.

    DATA_ROOT=… python benchmarks/melody_extraction.py [--odd]

Songs with even numbers are scored; `finding.likeness` was written looking at the odd ones (`--odd`). A note is right
when a note of the same pitch starts at the same twelfth of a quarter note.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np

from datamodules.melody.pop909 import stated_key
from kmidi_lab.chords.chord import Key, parse_key
from kmidi_lab.midi.piece import Piece
from kmidi_lab.midi.reading import read_piece
from kmidi_lab.models.melody import finding
from kmidi_lab.models.melody.finding import Voice, single
from kmidi_lab.models.melody.last_key import last_key

Notes = set[tuple[float, int]]


def placed(voice: Voice) -> Notes:
    return set(zip(np.round(voice.onset * finding.GRID).tolist(), voice.pitch.tolist(), strict=True))


def every_note(piece: Piece) -> tuple[np.ndarray, float]:
    return np.concatenate([t.notes for t in piece.tracks if not t.is_drum]), float(piece.ticks_per_quarter)


def highest(piece: Piece) -> Voice:
    """The plain skyline of all tracks: the highest note of each onset."""
    notes, quarter = every_note(piece)
    starts = notes["start"] / quarter
    return single(starts, starts + notes["duration"] / quarter, notes["pitch"], finding.GRID)


def keys_in_turn(path: Path) -> list[Key]:
    """The keys of `key_audio.txt` as they follow one another."""
    lines = path.read_text(encoding="utf-8-sig").splitlines() if path.is_file() else []
    return [parse_key(line.split()[2]) for line in lines if line.strip()]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--odd", action="store_true", help="the songs that the code was written with")
    remainder = 1 if parser.parse_args().odd else 0
    songs = [
        p
        for p in sorted((Path(os.environ.get("DATA_ROOT", "data")) / "pop909").glob("*/*.mid"))
        if p.stem == p.parent.name
    ]
    songs = [p for p in songs if int(p.stem) % 2 == remainder]
    if not songs:
        sys.exit("needs pop909/ below DATA_ROOT")
    right: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    how, keys = [], []
    ends: dict[bool, list[tuple[bool, bool]]] = defaultdict(list)
    for path in songs:
        piece = read_piece(path)
        truth = next((t for t in piece.tracks if t.name == "MELODY"), None)
        if truth is None:
            continue
        wanted = finding.upper_voice(truth.notes, float(piece.ticks_per_quarter))
        hidden = replace(piece, tracks=tuple(replace(t, name="") for t in piece.tracks))
        found = finding.melody_of(hidden)
        how.append(found.how)
        whole = finding.key_of(piece)
        keys.append(whole == stated_key(path.with_name("key_audio.txt")))
        if stated := keys_in_turn(path.with_name("key_audio.txt")):
            ends[len(set(stated)) > 1].append((last_key(piece) == stated[-1], whole == stated[-1]))
        voices = {
            "how it plays": found.voice,
            "upper voice": finding.upper_voice(*every_note(piece)),
            "skyline": highest(piece),
        }
        for name, voice in voices.items():
            ours, theirs = placed(voice), placed(wanted)
            right[name].append((len(ours & theirs), len(ours), len(theirs)))
    for name, counts in right.items():
        both, ours, theirs = np.array(counts).T
        print(
            f"{name}: precision {both.sum() / ours.sum():.3f}, recall {both.sum() / theirs.sum():.3f}, "
            f"F1 {2 * both.sum() / (ours.sum() + theirs.sum()):.3f}, over .9 in {(2 * both / (ours + theirs) > 0.9).mean():.0%} of {len(counts)} songs"
        )
    for changes, told in sorted(ends.items()):
        kind = "change" if changes else "keep"
        ours, all_notes = np.mean(told, 0)
        print(
            f"{len(told)} songs that {kind} their key: the last one is heard in {ours:.1%}, by all notes in {all_notes:.1%}"
        )
    print(f"found by { ({h: how.count(h) for h in finding.HOW}) }; key as stated in {np.mean(keys):.1%}")


if __name__ == "__main__":
    main()
