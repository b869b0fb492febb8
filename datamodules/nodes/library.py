"""Rendered clips of every emotion node, prepared once; instruments, tunes and seeds of the test are heard in no other split."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datamodules.audio import rendering
from datamodules.audio.rendering import SOUND_FONT, Part, render
from datamodules.cache import code_version, data_version
from datamodules.library import SplitLibrary, prepared
from datamodules.nodes import thesaurus
from datamodules.nodes.composing import SECONDS, compose
from datamodules.nodes.mapping import music_of
from datamodules.nodes.thesaurus import Node, load_thesaurus
from datamodules.splits import SPLITS, Groups
from kmidi_lab.features import mel_frames, mel_scale
from kmidi_lab.features.emotion_node import INTENSITIES, KEYS
from kmidi_lab.features.mel_frames import log_mel
from kmidi_lab.features.mel_scale import RATE

PROGRAMS = {
    "train": (0, 4, 6, 11, 24, 40, 42, 52, 56, 61, 65, 68, 73, 80),
    "val": (12, 48, 71),
    "test": (13, 21, 41, 60, 74, 81),
}
"""General MIDI programs of the melody."""
BACKING = {"train": (0, 19, 24, 48), "val": (16, 49), "test": (2, 25, 50)}
"""And of the accompaniment."""
TUNES = {"train": range(8), "val": range(8, 10), "test": range(10, 12)}
TEST_KEYS = 4
"""Every test clip is there in so many keys, alike in all else."""
STAND_IN = (
    "Music made by rule from a thesaurus whose numbers are the lab's own, rendered through a SoundFont: this measures how well "
    "the rule is read back, not what listeners feel."
)
_GAP_S = 2.0
_TOGETHER = 7


@dataclass(frozen=True)
class NodeClip:
    """Mel frames `[T, 128]` float16 of one rendering; clips of one `group` differ in key alone."""

    id: str
    group: str
    node: int
    intensity: int
    key: int
    tune: int
    program: int
    backing: int
    seed: int
    frames: NDArray[np.float16]


@dataclass(frozen=True)
class _Plan:
    split: str
    group: str
    node: int
    intensity: int
    key: int
    tune: int
    program: int
    backing: int
    seed: int


def load(cache_dir: Path, renderings: int, seed: int, progress: bool) -> SplitLibrary[NodeClip]:
    """`renderings` training clips of every node, two for validation, one in four keys for the test."""
    packages = [importlib.metadata.version(name).encode() for name in ("midirenderer", "pretty_midi")]
    version = data_version((renderings, seed, SOUND_FONT), [*packages, thesaurus.PATH.read_bytes()])

    def make() -> SplitLibrary[NodeClip]:
        plans = plan(renderings, seed)
        clips = list(_rendered(plans, load_thesaurus(), progress))
        description = {
            "version": f"sha256:{version}",
            "stand_in": STAND_IN,
            "licence": rendering.LICENCE,
            "sources": [{"name": "emotion_nodes", "licence": rendering.LICENCE, "clips": len(clips), "note": STAND_IN}],
            "problems": {},
            "absent": [],
        }
        rule = {"rule": "by instrument, tune and seed: none of the test's is heard in another split", "seed": seed}
        return SplitLibrary(clips, [p.split for p in plans], description, rule)

    return prepared(cache_dir / "emotion_nodes", version, code_version(_code(), ("soxr", "scipy")), make, [])


def plan(renderings: int, seed: int) -> list[_Plan]:
    """What to render: every node as often as every other, intensities and keys as even as the numbers allow."""
    rng = np.random.default_rng(seed)
    plans: list[_Plan] = []
    for split in SPLITS:
        for node in range(len(load_thesaurus())):
            times = renderings if split == "train" else 2 if split == "val" else 1
            first, turn = (int(rng.integers(n)) for n in (len(INTENSITIES), len(KEYS)))
            for i in range(times):
                made = int(rng.integers(2**31))
                group = f"{split}/{node:03}/{i}"
                intensity = (first + i) % len(INTENSITIES)
                tune, program, backing = (int(rng.choice(list(c[split]))) for c in (TUNES, PROGRAMS, BACKING))
                keys = TEST_KEYS if split == "test" else 1
                for k in range(keys):
                    # 5 and 24 have no common divisor, so all keys come in turn; the test's lie six apart.
                    key = (turn + (5 * i if keys == 1 else 6 * k + k)) % len(KEYS)
                    plans.append(_Plan(split, group, node, intensity, key, tune, program, backing, made))
    return plans


def grouped(clips: Sequence[NodeClip]) -> Groups:
    """Clips of one melody instrument, one accompaniment, one tune or one seed."""
    groups = Groups(len(clips))
    for facts in (
        [("program", c.program) for c in clips],
        [("backing", c.backing) for c in clips],
        [("tune", c.tune) for c in clips],
        [("seed", c.seed) for c in clips],
    ):
        groups.join_equal(facts)
    return groups


def _rendered(plans: Sequence[_Plan], nodes: Sequence[Node], progress: bool) -> Iterator[NodeClip]:
    """Several clips a rendering, one after the other, since opening the SoundFont takes longer than playing a clip."""
    for batch in _bar([plans[i : i + _TOGETHER] for i in range(0, len(plans), _TOGETHER)], progress):
        parts: list[Part] = []
        for i, p in enumerate(batch):
            music = music_of(nodes[p.node], p.intensity)
            parts += [_later(part, i) for part in compose(music, p.key, p.tune, p.program, p.backing, p.seed)]
        wave = render(parts)
        for i, p in enumerate(batch):
            begin = round(i * (SECONDS + _GAP_S) * RATE)
            frames = log_mel(wave[begin : begin + round(SECONDS * RATE)]).astype(np.float16)
            name = f"{p.group}/{KEYS[p.key]}"
            yield NodeClip(name, p.group, p.node, p.intensity, p.key, p.tune, p.program, p.backing, p.seed, frames)


def _later(part: Part, place: int) -> Part:
    """The notes that begin within a clip, moved to its place, none longer than the clip."""
    begin = place * (SECONDS + _GAP_S)
    kept = [n for n in part.notes if n.start < SECONDS]
    notes = [n._replace(start=n.start + begin, end=min(n.end, SECONDS) + begin) for n in kept]
    return Part(part.program, notes)


def _bar(batches: list[Sequence[_Plan]], progress: bool) -> Iterable[Sequence[_Plan]]:
    if not progress:
        return batches
    from rich.progress import track

    return track(batches, description="rendering", transient=True)


def _code() -> list[Path]:
    """Everything that turns the thesaurus into frames: a change of code is a change of cache."""
    here = Path(__file__).parent
    return [*sorted(here.glob("*.py")), *(Path(str(m.__file__)) for m in (rendering, mel_frames, mel_scale))]
