"""The song so far: which chord followed the same chords before, and where the phrase began."""

from __future__ import annotations

from dataclasses import dataclass, field

from kmidi_lab.chords.chord import Chord

PHRASE_BARS = 8.0
RECALL_ORDER = 4
PASSAGE_ORDER = 8


@dataclass
class ChordMemory:
    """The song so far, and which chord followed the last time the same chords stood in a row."""

    chords: list[Chord] = field(default_factory=list)
    starts: list[float | None] = field(default_factory=list)
    _followers: dict[tuple[tuple[int, int], ...], int] = field(default_factory=dict)

    def append(self, chord: Chord, start: float | None = None) -> None:
        """Adds the chord that came next; `start` in bars from the start of the song."""
        labels = [c.label for c in self.chords[-PASSAGE_ORDER:]]
        for order in range(1, len(labels) + 1):
            self._followers[tuple(labels[-order:])] = len(self.chords)
        self.chords.append(chord)
        self.starts.append(start)

    def _longest_match(self, limit: int) -> tuple[int | None, int]:
        labels = [c.label for c in self.chords[-limit:]]
        for order in range(len(labels), 0, -1):
            at = self._followers.get(tuple(labels[-order:]))
            if at is not None:
                return at, order
        return None, 0

    def recall(self) -> tuple[Chord | None, int]:
        """(the chord that followed the longest match of up to four chords, its order), or (None, 0)."""
        at, order = self._longest_match(RECALL_ORDER)
        return (None, 0) if at is None else (self.chords[at], order)

    def phrase_start(self, position: float) -> float:
        """Where the phrase began that holds `position`, in bars.

        A phrase begins every eight bars, or, where the last chords have been heard before in a row, at
        the first chord of the returning passage (up to eight chords): parallelism marks groups (Lerdahl
        and Jackendoff, *A Generative Theory of Tonal Music*, 1983, GPR 6).
        """
        _, order = self._longest_match(PASSAGE_ORDER)
        began = self.starts[-order] if order else None
        return position - position % PHRASE_BARS if began is None else began
