"""task=predict for harmony: the likely next chords, from the published model or the heuristic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kmidi_lab.chords.asking import parse_affect, parse_chords
from kmidi_lab.chords.chord import QUALITIES, Key, parse_key, plain_chord
from kmidi_lab.errors import ConfigError
from kmidi_lab.inference.published import Published
from kmidi_lab.inference.request import Request, Session
from kmidi_lab.models.harmony.baselines import circle_of_fifths
from kmidi_lab.models.harmony.evaluation import DEGREES, joint_probabilities
from kmidi_lab.models.harmony.features import context_vector, joint_class
from kmidi_lab.models.harmony.memory import ChordMemory


@dataclass(frozen=True)
class Continuation:
    """A chord that may come next: its symbol, its probability 0..1, and what it is in the key, such as `V dom7`."""

    chord: str
    probability: float
    degree: str


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
        self, chords: str | Sequence[str] = "", key: str = "C", emotion: str | None = None, top: int = 8
    ) -> None:
        if top < 1:
            raise ConfigError(f"predict.top={top} must be 1 or more")
        self.top = top
        self.key: Key = parse_key(key)
        self.emotion, self.affect = emotion, parse_affect(emotion)
        self.events = parse_chords(chords if isinstance(chords, str) else " ".join(chords), self.key)

    def run(self, published: Published | None, session: Session) -> list[Continuation]:
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
        return [self._continuation(int(index), float(p[index])) for index in np.argsort(-p)[: self.top]]

    def _continuation(self, index: int, probability: float) -> Continuation:
        degree, quality = divmod(index, len(QUALITIES))
        chord = plain_chord(self.key.tonic + degree, QUALITIES[quality])
        return Continuation(str(chord), probability, f"{DEGREES[degree]} {QUALITIES[quality]}")

    def show(self, answer: list[Continuation], session: Session) -> None:
        mood = f", {self.emotion} (valence {self.affect[0]:+.1f}, arousal {self.affect[1]:+.1f})" if self.affect else ""
        print(f"After {' '.join(str(e.chord) for e in self.events) or 'nothing'} in {self.key}{mood}:")
        for c in answer:
            print(f"  {c.probability:6.1%}  {c.chord:<8} {c.degree}")
