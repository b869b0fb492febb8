"""The song so far: its chords, which of them followed the same chords before, and where a phrase began."""

from __future__ import annotations

from dataclasses import dataclass, field

from kmidi_lab.chords.chord import Chord
from kmidi_lab.contract_types import Contract

PHRASE_BARS = 8.0
PASSAGE_ORDER = 8
MEMORY_ORDER = 8
"""Longest match in the song so far, in chords."""
Label = tuple[int, int]


@dataclass
class ChordMemory:
    """The song so far, and which chord followed where the same chords stood in a row.

    `recall_order` is the longest match for the recalled chord. `most_often` takes the chord that followed it most
    often, the latest of equals; without, the one that followed it last. `memory_of` sets both for a version of the
    contract.
    """

    recall_order: int = 8
    most_often: bool = True
    chords: list[Chord] = field(default_factory=list)
    starts: list[float | None] = field(default_factory=list)
    _followers: dict[tuple[Label, ...], dict[Label, tuple[int, int]]] = field(default_factory=dict)
    """How often each class followed these chords, and where it did so last."""

    def append(self, chord: Chord, start: float | None = None) -> None:
        """Adds the chord that came next; `start` in bars from the start of the song."""
        labels = [c.label for c in self.chords[-PASSAGE_ORDER:]]
        for order in range(1, len(labels) + 1):
            followers = self._followers.setdefault(tuple(labels[-order:]), {})
            count, _ = followers.get(chord.label, (0, 0))
            followers[chord.label] = count + 1, len(self.chords)
        self.chords.append(chord)
        self.starts.append(start)

    def _longest_match(self, limit: int) -> tuple[dict[Label, tuple[int, int]], int]:
        labels = [c.label for c in self.chords[-limit:]]
        for order in range(len(labels), 0, -1):
            followers = self._followers.get(tuple(labels[-order:]))
            if followers:
                return followers, order
        return {}, 0

    def recall(self) -> tuple[Chord | None, int]:
        """(the chord that followed the longest match of up to `recall_order` chords, its order), or (None, 0)."""
        followers, order = self._longest_match(self.recall_order)
        if not followers:
            return None, 0
        best = max(followers.values(), key=lambda f: (f[0], f[1]) if self.most_often else f[1])
        return self.chords[best[1]], order

    def phrase_start(self, position: float) -> float:
        """Where the phrase began that holds `position`, in bars.

        A phrase begins every eight bars, or, where the last chords have been heard before in a row, at
        the first chord of the returning passage (up to eight chords): parallelism marks groups (Lerdahl
        and Jackendoff, *A Generative Theory of Tonal Music*, 1983, GPR 6).
        """
        _, order = self._longest_match(PASSAGE_ORDER)
        began = self.starts[-order] if order else None
        return position - position % PHRASE_BARS if began is None else began


def memory_of(contract: Contract) -> ChordMemory:
    """An empty memory that recalls as a version of the harmony contract says."""
    return ChordMemory(4, False) if contract.version == "1" else ChordMemory()
