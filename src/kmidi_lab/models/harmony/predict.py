"""task=predict for harmony: the likely next chords, from the published model or the heuristic."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from kmidi_lab.bounds import Count
from kmidi_lab.chords.asking import Feeling, parse_affect
from kmidi_lab.chords.chart import Chart, read_chart
from kmidi_lab.chords.chord import QUALITIES, Chord, Key, plain_chord
from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.chords.notation import read_name
from kmidi_lab.chords.spelling import Spelling
from kmidi_lab.files import write_atomic
from kmidi_lab.inference.published import Published
from kmidi_lab.inference.questions import TEXTS, Guess, Question
from kmidi_lab.inference.request import Request
from kmidi_lab.inference.session import Session
from kmidi_lab.inference.ways import Way
from kmidi_lab.models.harmony import asking
from kmidi_lab.models.harmony.baselines import circle_of_fifths
from kmidi_lab.models.harmony.decoding import next_probabilities
from kmidi_lab.models.harmony.evaluation import DEGREES
from kmidi_lab.models.harmony.features import context_vector, joint_class
from kmidi_lab.models.harmony.memory import memory_of

_HALF_DIMINISHED = {1: {2, 4, 6, 7, 9, 11}, -1: {2, 7, 9}, 0: {2, 7, 9}}
"""Degrees where the class dim7, which holds both, is half-diminished in six or more of ten chords of the jazz standards."""


class Continuation(NamedTuple):
    """A chord that may come next: its symbol and its probability 0..1."""

    chord: str
    probability: float


class Continuations(list[Continuation]):
    """The likeliest chords, the first the likeliest, and the key that they are of, in words."""

    def __init__(self, chords: Iterable[Continuation], key: str) -> None:
        super().__init__(chords)
        self.key = key


class NextChords(Request[Continuations]):
    """Asks which chords come next.

    Args:
        chords: so far, oldest first, such as "Dm7 G7", "ii7 V7" or "D:min7 | G:7"; with `|` between bars their places are
            known, too.
        key: such as C, F# or Am; None estimates it from the chords.
        emotion: a feel word, an emotion label, or valence,arousal in -1..1; None is unknown.
        top: chords to give, 1 or more.

    Raises:
        ConfigError: a chord, key or emotion that can't be read, or a number out of range.
    """

    without_model = "the circle-of-fifths heuristic"
    ways = (Way("chords", "which chords come next", "Dm7 G7"),)
    asks_about = (*TEXTS, ".mid", ".midi")
    asks_by = "entropy"
    typed_label = "another chord"

    def __init__(
        self, chords: str | Sequence[str] = "", key: str | None = None, emotion: Feeling | None = None, top: Count = 8
    ) -> None:
        self.top = top
        self.emotion, self.affect = emotion, parse_affect(emotion)
        self.chart: Chart = read_chart(chords if isinstance(chords, str) else " ".join(chords), key)

    def run(self, published: Published | None, session: Session) -> Continuations:
        return self.answer(published)

    def answer(self, published: Published | None) -> Continuations:
        """The likeliest chords, the first the likeliest."""
        events, key = self.chart.events, self.chart.spelling.key
        if published is None:
            p = circle_of_fifths(joint_class(events[-1].chord, key) if events else None, key.mode)
        else:
            tokens = [joint_class(event.chord, key) for event in events]
            p = next_probabilities(published.call(self.vector(published)[None])[0], tokens, published.head)
        chords = (self._chord(i) for i in np.argsort(-p)[: self.top].tolist())
        likeliest = np.sort(p)[::-1].tolist()
        named = (self.chart.spelling.chord(chord) for chord in chords)
        continuations = (Continuation(name, q) for name, q in zip(named, likeliest, strict=False))
        return Continuations(continuations, self.chart.key_words)

    def vector(self, published: Published) -> NDArray[np.float32]:
        events, memory = self.chart.events, memory_of(published.contract)
        for event in events:
            memory.append(event.chord, event.start)
        timed = bool(events) and events[-1].start is not None
        last_bars = events[-1].bars if events else None
        position = events[-1].start + events[-1].bars if timed else None  # type: ignore[operator]
        return context_vector(memory, self.chart.spelling.key, self.affect, position, last_bars)

    def _chord(self, joint: int) -> Chord:
        return _in_key(joint, self.chart.spelling.key)

    @classmethod
    def questions(cls, path: Path, published: Published) -> Iterator[Question]:
        """Each place of the charts of a file behind the second chord."""
        return asking.questions(path, published)

    @classmethod
    def asked(cls, question: Question, published: Published) -> Guess:
        assert question.vector is not None
        output = published.call(question.vector[None])[0]
        p, spelling = asking.probabilities(question, output, published), Spelling.of(asking.key_of(question))
        names = [spelling.chord(_in_key(joint, spelling.key)) for joint in range(len(p))]
        return Guess(output, p, names, float(p[joint_class(read_name(question.given)[0], spelling.key)]))

    @classmethod
    def choices(cls, question: Question, guess: Guess, published: Published) -> list[str]:
        return asking.choices(question, guess.names, guess.chances)

    @classmethod
    def checked_label(cls, text: str, published: Published) -> str:
        return asking.checked(text)

    @classmethod
    def alike(cls, a: str, b: str) -> bool:
        return asking.alike(a, b)

    @classmethod
    def heard(cls, question: Question, label: str) -> bytes | None:
        return asking.heard(question, label)

    @classmethod
    def stream(cls, published: Published, **settings: Any) -> SongSoFar:
        """A song that grows chord by chord; `settings` are those of this class, without `chords`."""
        return SongSoFar(replace(published, model=copy(published.model)), settings)

    @classmethod
    def stream_settings(cls) -> tuple[str, ...]:
        return tuple(inspect.signature(cls).parameters)[1:]

    @classmethod
    def rows(cls, answer: Continuations) -> list[tuple[str, str]]:
        told = ((name, f"{probability:.0%}") for name, probability in answer)
        return [("key", answer.key), *((name, f"{share} likely to come next") for name, share in told if share != "0%")]

    def show(self, answer: Continuations, session: Session) -> None:
        chart, key = self.chart, self.chart.spelling.key
        mood = f", {self.emotion} (valence {self.affect[0]:+.1f}, arousal {self.affect[1]:+.1f})" if self.affect else ""
        if chart.key_from != "given":
            print(f"Key: {chart.key_told}")
        print(f"{f'After {chart}' if chart.placed else 'To begin with,'} in {chart.spelling}{mood}:")
        rows = []
        for name, probability in answer:
            chord = parse_jazz(name)
            degree, quality = divmod(joint_class(chord, key), len(QUALITIES))
            half = QUALITIES[quality] == "dim7" and (chord.root + 10) % 12 in chord.tones
            kind = "half-diminished" if half else QUALITIES[quality]
            print(f"  {probability:6.1%}  {name:<8} {DEGREES[degree]} {kind}")
            rows.append(
                {"chord": name, "degree": DEGREES[degree], "quality": kind, "probability": round(probability, 6)}
            )
        record = {"chords": [p.name for p in chart.placed], **chart.key_record, "emotion": self.emotion, "next": rows}
        write_atomic(session.folder / "next_chords.json", orjson.dumps(record, option=orjson.OPT_INDENT_2))


def _in_key(joint: int, key: Key) -> Chord:
    """The chord of a joint class."""
    degree, quality = divmod(joint, len(QUALITIES))
    chord = plain_chord(key.tonic + degree, QUALITIES[quality])
    if chord.quality == "dim7" and degree in _HALF_DIMINISHED[key.mode]:
        return parse_jazz("Cm7b5").transposed(chord.root)
    return chord


class SongSoFar:
    """What may come next, asked after every chord of a song."""

    def __init__(self, published: Published, settings: Mapping[str, Any]) -> None:
        self._published, self._settings = published, settings
        NextChords(**settings)
        self.reset()

    def reset(self) -> None:
        """The next chord is the first of another song."""
        self.chords: list[str] = []

    def push(self, chord: str) -> Continuations:
        """Adds a chord, such as `Dm7`, and gives the likeliest next ones.

        Raises:
            ConfigError: not a chord; the song is as it was.
        """
        answer = NextChords([*self.chords, chord], **self._settings).answer(self._published)
        self.chords.append(chord)
        return answer
