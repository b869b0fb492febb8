"""What people are asked about chords: what they would play at a place of a chart, which also says whether its chord is right."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from kmidi_lab.chords.chart import Chart, read_chart
from kmidi_lab.chords.chord import Chord, ChordError, Key
from kmidi_lab.chords.notation import bars_of, read_name, recognise
from kmidi_lab.chords.played import chart_of, midi_of
from kmidi_lab.chords.spelling import Spelling
from kmidi_lab.errors import ConfigError, DataError
from kmidi_lab.inference.published import Published
from kmidi_lab.inference.questions import TEXTS, Question, digest, read_text
from kmidi_lab.midi.reading import read_piece
from kmidi_lab.models.harmony.contract import HARMONY
from kmidi_lab.models.harmony.decoding import next_probabilities
from kmidi_lab.models.harmony.features import context_vector, joint_class
from kmidi_lab.models.harmony.memory import memory_of
from kmidi_lab.scoring.ngram import Floats
from kmidi_lab.wording import many

_LEAST, _SHOWN, _HEARD = 2, 12, 6
"""Chords before the first that is asked about; of those before, how many are shown and heard."""
_CHOICES = 6
_TOLD = 3
"""Songs of a file of which is said why they can't be read."""
_WORD = re.compile(r"[A-Za-z0-9_#+./-]{1,64}")
_TONIC, _MODE = HARMONY.input("key_tonic").index, HARMONY.input("mode").start


def questions(path: Path, published: Published) -> Iterator[Question]:
    """Each place of each chart of a file behind the second chord.

    Raises:
        UserError: no MIDI; or, behind the questions of the other songs, songs that can't be read and where.
    """
    faults = []
    for number, rows in charts(path):
        try:
            chart = read_chart(_joined(rows), name=f"the song of line {number}")
        except ConfigError as error:
            faults.append(_line_at_fault(number, rows) or str(error))
            continue
        yield from _of_chart(chart, number, published)
    if faults:
        more = f"; and {many(len(faults) - _TOLD, 'more song')}" if len(faults) > _TOLD else ""
        raise DataError("; ".join(faults[:_TOLD]) + more)


def charts(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The number of the first line and the lines of each song; an empty line ends one. A MIDI file is one song."""
    if path.suffix.lower() not in TEXTS:
        yield 1, [chart_of(read_piece(path))]
        return
    rows: list[str] = []
    first = 1
    for number, line in enumerate([*read_text(path).splitlines(), ""], start=1):
        if line.strip():
            first = first if rows else number
            rows.append(line.strip().strip("|").strip())
        elif rows:
            yield first, rows
            rows = []


def _joined(rows: Sequence[str]) -> str:
    return (" | " if any("|" in row for row in rows) else " ").join(rows)


def _line_at_fault(first: int, rows: Sequence[str]) -> str:
    """Where a song can't be read, and why; empty where no line alone is at fault."""
    for number, row in enumerate(rows, start=first):
        place = f"line {number}"
        try:
            recognise(bars_of(row, place), place)
        except ConfigError as error:
            return str(error)
    return ""


def _of_chart(chart: Chart, number: int, published: Published) -> Iterator[Question]:
    spelling, memory = chart.spelling, memory_of(published.contract)
    names = [spelling.chord(event.chord) for event in chart.events]
    for place, event in enumerate(chart.events):
        if place >= _LEAST:
            last = chart.events[place - 1]
            vector = context_vector(memory, spelling.key, None, event.start, last.bars)
            before, given = tuple(names[:place]), names[place]
            item = digest("\n".join([str(spelling), *before, given]))
            text = f"{spelling}: {'… ' if place > _SHOWN else ''}{'  '.join(before[-_SHOWN:])}  → ?"
            yield Question(item, f"{number}.{place + 1}", text, None, given, vector, before)
        memory.append(event.chord, event.start)


def probabilities(question: Question, output: np.ndarray, published: Published) -> Floats:
    """`[96]` of the joint classes, with the song's own memory."""
    tokens = [joint_class(read_name(name)[0], key_of(question)) for name in question.before]
    return next_probabilities(output, tokens, published.head)


def key_of(question: Question) -> Key:
    """The key that the model is told."""
    assert question.vector is not None
    return Key(int(question.vector[_TONIC].argmax()), int(question.vector[_MODE]))


def choices(question: Question, names: Sequence[str], chances: Floats) -> list[str]:
    """The chart's own chord, and the model's likeliest others by their roots, so that their order tells nothing."""
    others = [name for i in np.argsort(-chances) if not alike(name := names[i], question.given)][:_CHOICES]
    tonic = key_of(question).tonic
    return [question.given, *sorted(others, key=lambda name: ((read_name(name)[0].root - tonic) % 12, name))]


def checked(text: str) -> str:
    """A chord as it is stored: one word of the format, so that some rare signs become the plain chord of their class.

    Raises:
        ConfigError: no chord.
    """
    try:
        chord, root, bass = read_name(text.strip())
    except (ChordError, IndexError) as error:
        raise ConfigError(f"label {text[:40]!r} is no chord; write one such as Dm7 or F#m7b5") from error
    name = chord.named(root, bass or Spelling.of(Key(0, 1)).note(chord.bass))
    return name if _WORD.fullmatch(name) else chord.reduced().named(root, root)


def alike(a: str, b: str) -> bool:
    """Whether two chords are of one class: root and quality."""
    return read_name(a)[0].label == read_name(b)[0].label


def heard(question: Question, label: str) -> bytes:
    """The last chords before the place, and the label's behind them."""
    chords: list[Chord] = [read_name(name)[0] for name in question.before[-_HEARD:]]
    return midi_of([*chords, *([read_name(label)[0]] if label else [])])
