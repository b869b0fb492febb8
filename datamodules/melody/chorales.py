"""Sopranos of Bach's chorales: MusicXML inside the installed music21, and the JSB chorales with their published split.

MusicXML has rhythm, key, metre and phrases as they are written. It is read as XML, since muspy counts bars from the
first note, upbeat or not; a fermata ends a phrase; repeats are not played out. The JSB chorales (N.
Boulanger-Lewandowski et al., *Modeling temporal dependencies in high-dimensional sequences*, ICML 2012) stand on a
sixteenth grid that does not say where a repeated note is struck again, so neighbours of the same pitch are one note;
bars are counted from the first sixteenth in 4/4; keys are estimated from all four voices.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import orjson

from datamodules.melody.reading import keep
from datamodules.shared.layout import chorale_files
from datamodules.shared.library import Reading
from kmidi_lab.chords.chord import ChordError, Key, parse_mode
from kmidi_lab.models.melody.features import Melody
from kmidi_lab.models.melody.finding import key_of_chroma

_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_BROKEN = (
    OSError,
    zipfile.BadZipFile,
    ElementTree.ParseError,
    KeyError,
    StopIteration,
    TypeError,
    ValueError,
    ChordError,
)
_SPLITS = {"train": "train", "valid": "val", "test": "test"}
_BAR = 4.0


def files() -> list[Path]:
    return chorale_files()


def read(paths: Iterable[Path]) -> Reading[Melody]:
    """The part named Soprano, or the first of those that are, of every chorale."""
    reading: Reading[Melody] = Reading(
        "chorales", "scores in the public domain, distributed with music21", note="repeats not played out"
    )
    for path in paths:
        try:
            score = _score(path)
            parts = score.iterfind("part-list/score-part")
            named = [p.get("id") for p in parts if (p.findtext("part-name") or "").startswith("Soprano")]
            if not named:
                reading.skip(path, path.stem, "no part named Soprano")
                continue
            part = next(p for p in score.iterfind("part") if p.get("id") == named[0])
            keep(reading, _melody(part, path.stem), path)
        except _BROKEN as error:
            reading.skip(path, path.stem, "not readable as MusicXML", repr(error))
    return reading


def _score(path: Path) -> ElementTree.Element:
    if path.suffix == ".xml":
        return ElementTree.parse(path).getroot()
    with zipfile.ZipFile(path) as packed:
        container = ElementTree.fromstring(packed.read("META-INF/container.xml"))
        name = next(e.attrib["full-path"] for e in container.iter() if e.tag.rpartition("}")[2] == "rootfile")
        return ElementTree.fromstring(packed.read(name))


@dataclass
class _Voice:
    """Notes as they come: (pitch, onset in its measure, measure, after a rest, first of a phrase), durations apart, since
    ties lengthen them; all times in quarter notes.
    """

    notes: list[tuple[int, float, int, bool, bool]] = field(default_factory=list)
    durations: list[float] = field(default_factory=list)
    rested: bool = False
    ended: bool = True
    """Whether the next note starts a phrase."""

    def add(self, note: ElementTree.Element, at: float, measure: int, duration: float) -> None:
        if note.find("rest") is not None:
            self.rested = True
            return
        step, octave = note.findtext("pitch/step") or "", note.findtext("pitch/octave") or ""
        pitch = 12 * (int(octave) + 1) + _STEPS[step] + int(float(note.findtext("pitch/alter") or 0))
        held = any(tie.get("type") == "stop" for tie in note.iterfind("tie"))
        if held and self.notes and self.notes[-1][0] == pitch and not self.rested:
            self.durations[-1] += duration
        else:
            self.notes.append((pitch, at, measure, self.rested, self.ended))
            self.durations.append(duration)
            self.rested = self.ended = False
        self.ended |= note.find("notations/fermata") is not None


def _melody(part: ElementTree.Element, name: str) -> Melody:
    voice, key = _Voice(), Key(0, 0)
    divisions, bar = 1.0, 4.0
    bars: list[float] = []
    starts: list[float] = []
    end = 0.0
    for number, measure in enumerate(part.iterfind("measure")):
        at = 0.0
        for element in measure:
            if element.tag == "attributes":
                divisions = float(element.findtext("divisions") or divisions)
                if (beats := element.findtext("time/beats")) is not None:
                    bar = 4 * float(beats) / float(element.findtext("time/beat-type") or "")
                if (fifths := element.findtext("key/fifths")) is not None and not voice.notes:
                    key = _key(int(fifths), element.findtext("key/mode"))
            # A second voice or a lower note of a chord is not the melody; a grace note takes no time.
            elif (
                element.tag == "note"
                and (element.findtext("voice") or "1") == "1"
                and element.find("chord") is None
                and element.find("grace") is None
            ):
                duration = float(element.findtext("duration") or "") / divisions
                voice.add(element, at, number, duration)
                at += duration
        # An upbeat ends its bar, and a bar that a repeat cuts in two goes on.
        starts.append(0.0 if at >= bar else bar - at if number == 0 else end)
        end = (starts[-1] + at) % bar
        bars.append(bar)
    pitch, onset, measures, rest, phrase = (np.array(column) for column in zip(*voice.notes, strict=True))
    length = np.array(bars)[measures]
    return Melody(
        f"chorales/{name}", "chorales", name, key, pitch.astype(np.uint8), np.array(voice.durations, np.float32),
        ((np.array(starts)[measures] + onset) % length).astype(np.float32), length.astype(np.float32), rest, phrase,
    )  # fmt: skip


def _key(fifths: int, mode: str | None) -> Key:
    """The key of a signature; that of the major where no mode is written, with the mode unknown."""
    mode_number = 0 if mode is None else parse_mode(mode)
    return Key((7 * fifths + (9 if mode_number < 0 else 0)) % 12, mode_number)


def jsb_files(root: Path) -> list[Path]:
    return [p for p in [root / "jsb_chorales" / "jsb-chorales-16th.json"] if p.is_file()]


def read_jsb(root: Path) -> Reading[Melody]:
    reading: Reading[Melody] = Reading(
        "jsb_chorales", "scores in the public domain", note="repeated notes are one; keys estimated"
    )
    for path in jsb_files(root):
        try:
            splits = orjson.loads(path.read_bytes())
            chosen = {ours: splits[theirs] for theirs, ours in _SPLITS.items()}
        except (OSError, ValueError, KeyError, TypeError) as error:
            reading.skip(path, "", "not the published JSON of chorales", error)
            continue
        for split, chorales in chosen.items():
            for number, chorale in enumerate(chorales if isinstance(chorales, list) else [chorales]):
                name = f"jsb_chorales/{split}/{number:03}"
                try:
                    keep(reading, _soprano([[float(p) for p in row] for row in chorale], name, split), path)
                except (ValueError, TypeError, OverflowError) as error:
                    reading.skip(path, name, "not rows of pitches", error)
    return reading


def _soprano(grid: list[list[float]], name: str, split: str) -> Melody:
    """`grid` holds the pitches of each sixteenth, soprano first; no pitch or one below 1 is a rest."""
    starts, lengths, pitches, rests, at, rested = [], [], [], [], 0, False
    for pitch, run in groupby(row[0] if row else 0.0 for row in grid):
        length = len(list(run))
        if pitch >= 1:
            starts.append(at / 4)
            lengths.append(length / 4)
            pitches.append(int(pitch))
            rests.append(rested)
        rested = pitch < 1
        at += length
    sounding = np.array([int(p) for row in grid for p in row if p >= 1], int)
    count = len(pitches)
    phrase = np.array(rests, bool)
    phrase[:1] = True
    return Melody(
        name, "jsb_chorales", name, key_of_chroma(np.bincount(sounding % 12, minlength=12)), np.array(pitches, np.uint8),
        np.array(lengths, np.float32), np.array(starts, np.float32) % _BAR, np.full(count, _BAR, np.float32),
        np.array(rests, bool), phrase, given=split,
    )  # fmt: skip
