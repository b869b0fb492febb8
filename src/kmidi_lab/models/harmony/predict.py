"""task=predict for harmony: the likely next chords, from the published model or the heuristic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from kmidi_lab.bounds import Count
from kmidi_lab.chords.asking import parse_affect, parse_chords
from kmidi_lab.chords.chord import QUALITIES, Key, parse_key, plain_chord
from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.inference.published import Published
from kmidi_lab.inference.request import Request, Session
from kmidi_lab.models.harmony.baselines import circle_of_fifths
from kmidi_lab.models.harmony.evaluation import DEGREES, joint_probabilities
from kmidi_lab.models.harmony.features import context_vector, joint_class
from kmidi_lab.models.harmony.memory import ChordMemory


class Continuation(NamedTuple):
    """A chord that may come next: its symbol and its probability 0..1."""

    chord: str
    probability: float


class NextChords(Request[list[Continuation]]):
    """Asks which chords come next.

    Args:
        chords: so far, oldest first, such as "Dm7 G7"; with `|` between bars their places are known, too.
        key: such as C, F# or Am.
        emotion: a feel word, an emotion label, or valence,arousal in -1..1; None is unknown.
        top: chords to give, 1 or more.

    Raises:
        ConfigError: a chord, key or emotion that can't be read, or a number out of range.
    """

    without_model = "the circle-of-fifths heuristic"

    def __init__(
        self, chords: str | Sequence[str] = "", key: str = "C", emotion: str | None = None, top: Count = 8
    ) -> None:
        self.top = top
        self.key: Key = parse_key(key)
        self.emotion, self.affect = emotion, parse_affect(emotion)
        self.events = parse_chords(chords if isinstance(chords, str) else " ".join(chords), self.key)

    def run(self, published: Published | None, session: Session) -> list[Continuation]:
        return self.answer(published)

    def answer(self, published: Published | None) -> list[Continuation]:
        """The likeliest chords, the first the likeliest."""
        events, key = self.events, self.key
        if published is None:
            p = circle_of_fifths(joint_class(events[-1].chord, key) if events else None, key.mode)
        else:
            memory = ChordMemory()
            for event in events:
                memory.append(event.chord, event.start)
            timed = bool(events) and events[-1].start is not None
            last_bars = events[-1].bars if events else None
            position = events[-1].start + events[-1].bars if timed else None  # type: ignore[operator]
            x = context_vector(memory, key, self.affect, position, last_bars)
            p = joint_probabilities(published.call(x[None]), published.head)[0]
        return [
            Continuation(str(plain_chord(key.tonic + i // len(QUALITIES), QUALITIES[i % len(QUALITIES)])), float(p[i]))
            for i in np.argsort(-p)[: self.top].tolist()
        ]

    @classmethod
    def stream(cls, published: Published, **settings: Any) -> SongSoFar:
        """A song that grows chord by chord; `settings` are those of this class, without `chords`."""
        return SongSoFar(replace(published, model=copy(published.model)), settings)

    def show(self, answer: list[Continuation], session: Session) -> None:
        mood = f", {self.emotion} (valence {self.affect[0]:+.1f}, arousal {self.affect[1]:+.1f})" if self.affect else ""
        print(f"After {' '.join(str(e.chord) for e in self.events) or 'nothing'} in {self.key}{mood}:")
        for c in answer:
            degree, quality = divmod(joint_class(parse_jazz(c.chord), self.key), len(QUALITIES))
            print(f"  {c.probability:6.1%}  {c.chord:<8} {DEGREES[degree]} {QUALITIES[quality]}")


class SongSoFar:
    """What may come next, asked after every chord of a song."""

    def __init__(self, published: Published, settings: Mapping[str, Any]) -> None:
        self._published, self._settings = published, settings
        NextChords(**settings)
        self.reset()

    def reset(self) -> None:
        """The next chord is the first of another song."""
        self.chords: list[str] = []

    def push(self, chord: str) -> list[Continuation]:
        """Adds a chord, such as `Dm7`, and gives the likeliest next ones.

        Raises:
            ConfigError: not a chord; the song is as it was.
        """
        answer = NextChords([*self.chords, chord], **self._settings).answer(self._published)
        self.chords.append(chord)
        return answer
