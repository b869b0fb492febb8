"""Rendered clips of every emotion node, prepared once; instruments, tunes and seeds of the test are heard in no other split."""

from __future__ import annotations

import importlib.metadata
import itertools
import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datamodules.emotion_node.composing import SECONDS, Players, compose
from datamodules.emotion_node.mapping import music_of
from datamodules.shared import rendering
from datamodules.shared.cache import data_version
from datamodules.shared.code_version import code_version
from datamodules.shared.library import SplitLibrary, prepared
from datamodules.shared.progress import shown
from datamodules.shared.rendering import SOUND_FONT, Part, render
from datamodules.shared.splits import SPLITS, Groups
from kmidi_lab.audio.mel import log_mel
from kmidi_lab.audio.mel_scale import RATE
from kmidi_lab.errors import LabError
from kmidi_lab.models.emotion_node import thesaurus
from kmidi_lab.models.emotion_node.features import INTENSITIES, KEYS
from kmidi_lab.models.emotion_node.thesaurus import load_thesaurus

PROGRAMS = {
    "train": (
        0, 1, 3, 4, 6, 7, 8, 10, 11, 15, 17, 18, 19, 20, 22, 23, 24, 26, 27, 28, 40, 42, 45, 46, 51, 52, 53, 54, 56, 57, 59,
        61, 63, 64, 65, 66, 67, 68, 69, 70, 72, 73, 75, 76, 78, 79, 80, 82, 85, 104, 105, 107, 108, 110,
    ),
    "val": (12, 48, 71),
    "test": (13, 21, 41, 60, 74, 81),
}  # fmt: skip
"""General MIDI programs of the melody."""
BACKING = {
    "train": (
        0,
        1,
        3,
        4,
        6,
        7,
        8,
        11,
        17,
        18,
        19,
        20,
        22,
        24,
        26,
        27,
        45,
        46,
        51,
        52,
        54,
        57,
        61,
        68,
        88,
        89,
        90,
        92,
        94,
    ),
    "val": (5, 16, 49),
    "test": (2, 25, 50),
}
"""And of the accompaniment."""
DRUMS = {"train": (37, 39, 42, 54, 56, 60, 64, 67, 70, 76), "val": (38, 69), "test": (53, 62, 75)}
"""Keys of General MIDI's drum kit that beat the rhythm."""
TUNES = {"train": range(16), "val": range(16, 18), "test": range(18, 20)}
TEST_KEYS = 4
"""Every test clip is there in so many keys, alike in all else."""
STAND_IN = (
    "Music made by rule from a thesaurus whose numbers are the lab's own, rendered through a SoundFont: this measures how well "
    "the rule is read back, not what listeners feel."
)
_GAP_S = 1.0
_TOGETHER = 6
_PATIENCE_S = 300


@dataclass(frozen=True)
class NodeClip:
    """Mel frames `[T, 128]` float16 of one rendering; clips of one `group` differ in key alone."""

    id: str
    group: str
    node: int
    intensity: int
    key: int
    tune: int
    players: Players
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
    players: Players
    seed: int


def load(cache_dir: Path, renderings: int, seed: int, workers: int, progress: bool) -> SplitLibrary[NodeClip]:
    """`renderings` training clips of every node, two for validation, one in four keys for the test; rendered by `workers` processes."""
    packages = [importlib.metadata.version(name).encode() for name in ("midirenderer", "pretty_midi")]
    version = data_version((renderings, seed, SOUND_FONT), [*packages, thesaurus.PATH.read_bytes()])

    def make() -> SplitLibrary[NodeClip]:
        plans = plan(renderings, seed)
        clips = list(_rendered(plans, workers, progress))
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

    return prepared(cache_dir / "emotion_nodes", version, code_version(__name__), make, [])


def plan(renderings: int, seed: int) -> list[_Plan]:
    """What to render: every node as often as every other, intensities and keys as even as the numbers allow."""
    plans: list[_Plan] = []
    for place, split in enumerate(SPLITS):
        rng = np.random.default_rng([seed, place])  # more training clips leave the others as they are
        times = renderings if split == "train" else 2 if split == "val" else 1
        nodes = len(load_thesaurus())
        first, turn = rng.integers(len(INTENSITIES), size=nodes), rng.integers(len(KEYS), size=nodes)
        for i, node in itertools.product(range(times), range(nodes)):
            made = int(rng.integers(2**31))
            group = f"{split}/{node:03}/{i}"
            intensity = int(first[node] + i) % len(INTENSITIES)
            tune, *played = (int(rng.choice(list(c[split]))) for c in (TUNES, PROGRAMS, BACKING, DRUMS))
            keys = TEST_KEYS if split == "test" else 1
            for k in range(keys):
                # 5 and 24 have no common divisor, so all keys come in turn; the test's lie six apart.
                key = int(turn[node] + (5 * i if keys == 1 else 6 * k + k)) % len(KEYS)
                plans.append(_Plan(split, group, node, intensity, key, tune, Players(*played), made))
    return plans


def grouped(clips: Sequence[NodeClip]) -> Groups:
    """Clips of one instrument, one tune or one seed."""
    groups = Groups(len(clips))
    for facts in (
        *([(field, getattr(c.players, field)) for c in clips] for field in Players._fields),
        [("tune", c.tune) for c in clips],
        [("seed", c.seed) for c in clips],
    ):
        groups.join_equal(facts)
    return groups


def _rendered(plans: Sequence[_Plan], workers: int, progress: bool) -> Iterator[NodeClip]:
    batches = [plans[i : i + _TOGETHER] for i in range(0, len(plans), _TOGETHER)]
    if workers == 1:
        yield from itertools.chain.from_iterable(map(_play, shown(batches, "rendering", progress)))
        return
    # Ctrl-C is the caller's to handle, who ends the workers: what is ignored here is ignored by processes started here.
    heard = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        started = multiprocessing.get_context("spawn").Pool(workers)
    finally:
        signal.signal(signal.SIGINT, heard)
    with started as pool:
        played = pool.imap(_play, batches)
        for _ in shown(batches, "rendering", progress):
            try:
                clips = played.next(_PATIENCE_S)
            except multiprocessing.TimeoutError:
                raise LabError(
                    f"rendering: nothing came of a worker for {_PATIENCE_S} s; is there memory left?"
                ) from None
            yield from clips


def _play(plans: Sequence[_Plan]) -> list[NodeClip]:
    """Several clips a rendering, one after the other, since opening the SoundFont takes longer than playing a clip."""
    nodes, parts = load_thesaurus(), []
    for i, p in enumerate(plans):
        parts += [
            _later(part, i) for part in compose(music_of(nodes[p.node], p.intensity), p.key, p.tune, p.players, p.seed)
        ]
    wave, clips = render(parts), []
    for i, p in enumerate(plans):
        begin = round(i * (SECONDS + _GAP_S) * RATE)
        frames = log_mel(wave[begin : begin + round(SECONDS * RATE)]).astype(np.float16)
        name = f"{p.group}/{KEYS[p.key]}"
        clips.append(NodeClip(name, p.group, p.node, p.intensity, p.key, p.tune, p.players, p.seed, frames))
    return clips


def _later(part: Part, place: int) -> Part:
    """The notes that begin within a clip, moved to its place, none longer than the clip."""
    begin = place * (SECONDS + _GAP_S)
    kept = [n for n in part.notes if n.start < SECONDS]
    notes = [n._replace(start=n.start + begin, end=min(n.end, SECONDS) + begin) for n in kept]
    return Part(part.program, notes, part.drums)
