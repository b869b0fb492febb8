"""The piece's own memory in the input: which note most often followed where the last notes stood before (contract, version 2)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

NO_NOTE = -1
"""Where there is no note: before the first one, and where nothing is recalled."""
RECALL_ORDER = 8
"""Longest match, in notes."""


class NoteMemory:
    """The notes of a piece so far. Ask `recall` before every note, then tell its pitch to `follow`."""

    def __init__(self) -> None:
        self._before: list[tuple[int, int]] = []
        self._followers: dict[tuple[tuple[int, int], ...], dict[int, tuple[int, int]]] = {}
        """How often each pitch followed these pairs, and where it did so last."""

    def recall(self, before: int, duration: int) -> tuple[int, int]:
        """(the recalled pitch, notes that match), or (NO_NOTE, 0).

        Of those that followed the longest match, the one that did so most often, and of equals the latest.

        Args:
            before: MIDI pitch of the previous note, NO_NOTE at the start.
            duration: class of the coming note's duration; a match is of pairs of both.
        """
        self._before.append((before, duration))
        best, order = (NO_NOTE, 0), 0
        for order, context in enumerate(self._contexts(), 1):
            followers = self._followers.get(context)
            if followers is None:
                break
            best = max(followers, key=followers.__getitem__), order
        return best

    def follow(self, pitch: int) -> None:
        """The note came, with this MIDI pitch."""
        at = len(self._before)
        for context in self._contexts():
            followers = self._followers.setdefault(context, {})
            followers[pitch] = followers.get(pitch, (0, 0))[0] + 1, at

    def hear(self, pitches: Iterable[int], durations: Iterable[int]) -> list[tuple[int, int]]:
        """Notes of known pitch, one after the other from the start of the piece; what is recalled before each."""
        before, rows = NO_NOTE, []
        for pitch, duration in zip(pitches, durations, strict=True):
            rows.append(self.recall(before, duration))
            self.follow(pitch)
            before = pitch
        return rows

    def _contexts(self) -> Iterable[tuple[tuple[int, int], ...]]:
        return (tuple(self._before[-n:]) for n in range(1, min(len(self._before), RECALL_ORDER) + 1))


def recalled_notes(pitches: Iterable[int], durations: Iterable[int]) -> tuple[np.ndarray, np.ndarray]:
    """(recalled pitch, notes that match) before each note of a piece, `[T]` int64 each.

    Args:
        pitches: MIDI, `[T]`.
        durations: their classes, `[T]`.
    """
    recalled, match = np.array(NoteMemory().hear(pitches, durations), np.int64).reshape(-1, 2).T
    return recalled, match
