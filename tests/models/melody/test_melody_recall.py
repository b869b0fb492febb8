"""The recalled note, and the baseline that blends every memory of a piece: against counting by hand."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kmidi_lab.models.melody.caches import LENGTHS, CacheBlend, Piece, piece_caches
from kmidi_lab.models.melody.recall import NO_NOTE, NoteMemory, recalled_notes

tunes = st.lists(st.tuples(st.integers(60, 63), st.integers(0, 1)), min_size=1, max_size=40)


@given(tunes)
def test_what_is_recalled_is_what_a_search_through_the_piece_finds(tune: list[tuple[int, int]]) -> None:
    pitches, durations = [p for p, _ in tune], [d for _, d in tune]
    recalled, match = recalled_notes(pitches, durations)
    pairs = list(zip([NO_NOTE, *pitches[:-1]], durations, strict=True))
    for t in range(len(tune)):
        best = (NO_NOTE, 0)
        for n in range(1, min(8, t + 1) + 1):
            places = [j for j in range(n - 1, t) if pairs[j - n + 1 : j + 1] == pairs[t - n + 1 : t + 1]]
            if places:
                count = Counter(pitches[j] for j in places)
                best = max(count, key=lambda p: (count[p], max(j for j in places if pitches[j] == p))), n
        assert (recalled[t], match[t]) == best


def test_a_memory_that_is_asked_note_by_note_says_the_same() -> None:
    pitches, durations = [60, 62, 64, 60, 62, 65, 60, 62], [3, 3, 3, 3, 3, 3, 3, 3]
    memory, before = NoteMemory(), NO_NOTE
    rows = []
    for pitch, duration in zip(pitches, durations, strict=True):
        rows.append(memory.recall(before, duration))
        memory.follow(pitch)
        before = pitch
    assert rows == list(zip(*recalled_notes(pitches, durations), strict=True))
    assert memory.recall(62, 3) == (65, 2)  # 64 and 65 once each: the later


def piece(seed: int, notes: int) -> Piece:
    rng = np.random.default_rng(seed)
    pitch = np.tile(rng.integers(60, 66, notes // 3 + 1), 3)[:notes]
    return Piece(pitch, np.concatenate([[128], pitch[:-1]]), rng.integers(0, 2, notes), rng.integers(0, 2, notes))


@pytest.mark.parametrize("block", [7, 1024])
def test_caches_are_those_that_counting_finds(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kmidi_lab.models.melody.caches._BLOCK", block)
    given = piece(1, 45)
    distinct = np.unique(given.pitch)
    for notes, parts, longest in piece_caches(given):
        for row, t in enumerate(range(notes.start, notes.stop)):
            assert np.allclose(parts[0, row] * t, [(given.pitch[:t] == v).sum() for v in distinct])
            for k, key in enumerate(given.keys):
                for i, n in enumerate(LENGTHS):
                    places = [
                        j
                        for j in range(n - 1, t)
                        if t >= n - 1 and (key[j - n + 1 : j + 1] == key[t - n + 1 : t + 1]).all()
                    ]
                    counts = np.array([(given.pitch[places] == v).sum() for v in distinct], float)
                    expected = counts / max(counts.sum(), 1)
                    assert np.allclose(parts[1 + k * len(LENGTHS) + i, row], expected)
            assert longest[row] == (parts[-len(LENGTHS) :, row].sum(-1) > 0).sum()


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 99))
def test_the_blend_sums_to_one_and_is_no_worse_where_it_is_tuned(seed: int) -> None:
    pieces = [piece(seed + i, 45) for i in range(4)]
    p = np.random.default_rng(seed).dirichlet(np.ones(128), 180).astype(np.float32)
    pitch = np.concatenate([x.pitch for x in pieces])
    own = p[np.arange(180), pitch]
    blended = CacheBlend.fit(own, pieces).predict(p, pieces)
    assert np.allclose(blended.sum(1), 1, atol=1e-5)
    assert np.log(blended[np.arange(180), pitch]).mean() >= np.log(own).mean() - 1e-3
