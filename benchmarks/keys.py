"""How often the key that is estimated from chords is the one that a song states.

    DATA_ROOT=… python benchmarks/keys.py

Test songs that state a key (jazz standards and POP909, split as for harmony), as `task=predict model=harmony` reads
chords: their first chords, and chords from anywhere in them, eight excerpts of a song and length. The weights of
`key_probabilities` were fitted on training songs. Then all jazz standards that state a key, by `estimate_key`, which
was set on them.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from datamodules.harmony import jazz_standards
from datamodules.harmony.module import ChordSongs
from kmidi_lab.chords.chart import SURE
from kmidi_lab.chords.chord import Chord, Key, Song
from kmidi_lab.chords.key_finding import KEYS, estimate_key, key_probabilities, profile_correlation

_LENGTHS, _EACH, _SEED = (2, 4, 16), 8, 30
Way = Callable[[list[Chord], list[float]], Key]


def stated(root: Path) -> set[str]:
    """Ids of the jazz standards that state a key."""
    entries = json.loads((root / jazz_standards.FILE).read_text(encoding="utf-8"))
    return {f"jazz_standards/{e.get('Title', f'#{n}')}/{n}" for n, e in enumerate(entries) if e.get("Key")}


def excerpts(songs: list[Song], length: int, anywhere: bool) -> Iterator[tuple[list[Chord], list[float], Key]]:
    """Chords in a row that are all in one key, their lengths, and that key."""
    for number, song in enumerate(songs):
        starts = np.arange(len(song.events) - length + 1)
        if anywhere:
            starts = np.random.default_rng([_SEED, length, number]).permutation(starts)[:_EACH]
        for start in starts if anywhere else starts[:1]:
            part = song.events[start : start + length]
            if len({event.key for event in part}) == 1:
                yield [e.chord for e in part], [e.bars for e in part], part[0].key


def by_profiles(chords: list[Chord], bars: list[float]) -> Key:
    chroma = np.array(bars) @ np.array([c.chroma() for c in chords])
    return max(KEYS, key=lambda key: profile_correlation(chroma, key))


def _rights(chords: list[Chord], bars: list[float], key: Key, sure: list[bool]) -> tuple[bool, bool, bool]:
    """Whether each way finds the key; adds whether the first did to `sure` where it says that it is."""
    (first, p), *_ = key_probabilities(chords, bars)
    sure += [first == key] if p >= SURE else []
    return first == key, estimate_key(chords, bars) == key, by_profiles(chords, bars) == key


def main() -> None:
    root = Path(os.environ["DATA_ROOT"])
    data = ChordSongs(str(root), tempfile.gettempdir(), ["jazz_standards", "pop909"], progress=False)
    data.prepare_data()
    data.setup("test")
    known = stated(root)
    songs = [s for s in data.songs("test") if s.source == "pop909" or s.id in known]
    print(f"{len(songs)} test songs that state a key")
    for where, anywhere in {"first": False, "anywhere": True}.items():
        sure: list[bool] = []
        for length in _LENGTHS:
            right = np.array([_rights(*excerpt, sure) for excerpt in excerpts(songs, length, anywhere)])
            own, whole, profiles = right.mean(0)
            print(
                f"{length} chords, {where}: {own:.3f} of {len(right)}; {whole:.3f} as a whole song, {profiles:.3f} profiles"
            )
        print(f"{where}, with a probability of {SURE} and more: {np.mean(sure):.3f} of {len(sure)}")
    whole_songs = [s for s in jazz_standards.read(root).items if s.id in known]
    for name, way in {"estimate_key": estimate_key, "profiles alone": by_profiles}.items():
        hits = [way([e.chord for e in s.events], [e.bars for e in s.events]) == s.events[0].key for s in whole_songs]
        print(f"whole jazz standards, {name}: {np.mean(hits):.3f} of {len(hits)}")


if __name__ == "__main__":
    main()
