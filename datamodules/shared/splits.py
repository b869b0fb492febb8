"""Splits by group: whatever may share material stays together, by a hash that never moves.

A group's place depends on its smallest name and the split seed alone, so a song that is added moves only the songs
that it is grouped with.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

SPLITS = ("train", "val", "test")


class Groups:
    """Union-find over items `0..n-1`."""

    def __init__(self, n: int) -> None:
        self._parent = list(range(n))

    def find(self, i: int) -> int:
        while self._parent[i] != i:
            self._parent[i] = self._parent[self._parent[i]]
            i = self._parent[i]
        return i

    def join(self, i: int, j: int) -> None:
        a, b = sorted((self.find(i), self.find(j)))
        self._parent[b] = a

    def join_equal(self, keys: Iterable[Hashable | None]) -> None:
        """Joins items that have the same key; None joins nothing."""
        first: dict[Hashable, int] = {}
        for i, key in enumerate(keys):
            if key is not None:
                self.join(first.setdefault(key, i), i)

    def join_similar(self, sequences: Sequence[Sequence[Hashable]], n: int, threshold: float) -> None:
        """Joins sequences whose sets of n-grams have a Jaccard index of at least `threshold`."""
        grams = [frozenset(tuple(s[i : i + n]) for i in range(len(s) - n + 1)) for s in sequences]
        owners: dict[Hashable, list[int]] = defaultdict(list)
        for i, owned in enumerate(grams):
            shared: dict[int, int] = defaultdict(int)
            for gram in owned:
                for j in owners[gram]:
                    shared[j] += 1
                owners[gram].append(i)
            for j, common in shared.items():
                if common >= threshold * (len(owned) + len(grams[j]) - common):
                    self.join(i, j)


class SplitBy(NamedTuple):
    """What a song's split depends on beside its name: a seed, and the shares 0..1 of validation and test."""

    seed: int
    val: float
    test: float


def assign(names: Sequence[str], groups: Groups, seed: int, val: float, test: float) -> list[str]:
    """The split of every item: its group's smallest name, hashed with the seed, falls in train, val or test."""
    leader: dict[int, str] = {}
    for i, name in enumerate(names):
        root = groups.find(i)
        leader[root] = min(leader.get(root, name), name)
    return [_place(leader[groups.find(i)], seed, val, test) for i in range(len(names))]


def _place(name: str, seed: int, val: float, test: float) -> str:
    share = int.from_bytes(hashlib.sha256(f"{seed}:{name}".encode(errors="surrogatepass")).digest()[:8], "big") / 2**64
    return "test" if share < test else "val" if share < test + val else "train"
