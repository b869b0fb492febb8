"""Excerpts of every source that is there: cut, rendered through a SoundFont, split by drummer and song.

The test is rendered through a SoundFont of its own where one is given, so that neither its music nor its sounds were heard
in training.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from datamodules.feel import emopia, groove_midi, patterns, pop909
from datamodules.feel.scores import Score, strokes_of, values_of
from datamodules.shared import engine, rendering
from datamodules.shared.cache import code_version, data_version
from datamodules.shared.engine import Rules, Source, Split, below, packages
from datamodules.shared.library import Reading, SplitLibrary
from datamodules.shared.pool import Readers, counted
from datamodules.shared.rendering import Note, Part, render
from datamodules.shared.splits import Groups, assign
from kmidi_lab.audio.mel import RATE, log_mel
from kmidi_lab.errors import DataError, LabError
from kmidi_lab.models.feel.features import Excerpt

READERS = (groove_midi, pop909, emopia)
SOURCES = (*(reader.NAME for reader in READERS), patterns.NAME)
SECONDS = 15.0
_GAP_S, _TOGETHER, _MELODIC = 1.0, 6, 15
_PACES = (0.75, 1.3)
_KITS = (0, 8, 16, 24, 25, 32, 40)
_KEYS, _LEADS = (0, 1, 4, 5, 7, 24, 25, 27, 46, 48), (0, 11, 26, 56, 65, 68, 71, 73, 80, 81)
"""General MIDI programs of chords and of melodies."""
_BACKED = 0.5
"""Share of songs that get drums by rule."""
_VAL, _TEST = 0.1, 0.15
_PATIENCE_S, _MEMORY_MB = 600, 3072


class Amounts(NamedTuple):
    """Excerpts of each source: for each training score, and scores at most of training, of validation and of test."""

    each: int
    train: int
    held_out: int


AMOUNTS = {
    groove_midi.NAME: Amounts(3, 1000, 100),
    pop909.NAME: Amounts(1, 500, 80),
    emopia.NAME: Amounts(1, 200, 60),
    patterns.NAME: Amounts(1, 300, 40),
}


def load(
    root: Path,
    cache_dir: Path,
    names: Sequence[str],
    amount: float,
    split_seed: int,
    test_font: str | None,
    workers: int,
    progress: bool,
) -> SplitLibrary[Excerpt]:
    """Reads, cuts, renders and splits, or takes the prepared result from the cache.

    Args:
        root: folder that holds the data sets.
        cache_dir: where excerpts are kept.
        names: of SOURCES; music by rule stands in where no other is there, else it is trained on alone.
        amount: how much of `AMOUNTS` is rendered.
        split_seed: of splits and of what is drawn.
        test_font: path of the SoundFont of the test; None is the one of the training.
        workers: processes that render.

    Raises:
        DataError: the SoundFont is not there.
    """
    font = _font(test_font)
    wanted = [name for name in SOURCES if name in names]
    present, absent = engine.find(sources(root, wanted, amount, split_seed, font, workers, progress), wanted)
    own = [*packages("midirenderer", "pretty_midi"), patterns.VERSION.encode()]
    settings = (
        amount,
        split_seed,
        rendering.SOUND_FONT,
        *((font.name, font.stat().st_size) for font in [font] if font),
    )
    contents = itertools.chain(own, *(p.contents() for p in present))
    version = data_version((tuple(p.name for p in present), *settings), contents)
    rules = FeelRules(split_seed, font.stem if font else rendering.SOUND_FONT)
    return engine.load(cache_dir / "feel", present, absent, version, code_version(__name__), rules)


def sources(
    root: Path, names: Sequence[str], amount: float, seed: int, font: Path | None, workers: int, progress: bool
) -> list[Source[Excerpt]]:
    """All of SOURCES; music by rule is in training alone where one of the others in `names` is there."""

    def played(reading: Reading[Score], alone: bool) -> Reading[Excerpt]:
        return _rendered(reading, amount, seed, font, alone, workers, progress)

    made = max(8, round(amount * (AMOUNTS[patterns.NAME].train + 4 * AMOUNTS[patterns.NAME].held_out)))
    real = any(reader.files(root) for reader in READERS if reader.NAME in names)
    return [
        *(
            Source(
                reader.NAME,
                partial(reader.files, root),
                lambda files, reader=reader: played(reader.read(files), True),  # type: ignore[misc]
                below(root),
            )
            for reader in READERS
        ),
        Source(
            patterns.NAME,
            list,
            lambda _: played(patterns.read(made, seed), not real),
            lambda _: [patterns.VERSION.encode()],
            always=True,
        ),
    ]


def _rendered(
    reading: Reading[Score], amount: float, seed: int, font: Path | None, held_out: bool, workers: int, progress: bool
) -> Reading[Excerpt]:
    """The excerpts of a source; songs are split here, since the test is rendered otherwise."""
    dealt = reading.items
    if reading.source in (pop909.NAME, emopia.NAME):
        groups = Groups(len(dealt))
        groups.join_equal(score.group for score in dealt)
        places = assign([score.group for score in dealt], groups, seed, _VAL, _TEST)
        dealt = [replace(score, split=place) for score, place in zip(dealt, places, strict=True)]
    if not held_out:
        dealt = [replace(score, split="train") for score in dealt]
    cut = list(_cuts(dealt, AMOUNTS[reading.source], amount, seed))
    out: Reading[Excerpt] = Reading(reading.source, reading.licence, problems=reading.problems, note=reading.note)
    for tested in (False, True):
        some = [score for score in cut if (score.split == "test") == tested]
        out.items += _play_all(some, font if tested else None, workers, progress)
    return out


def _cuts(scores: Sequence[Score], amounts: Amounts, amount: float, seed: int) -> Iterator[Score]:
    """Stretches of SECONDS: of training at another pace, of songs some with a band by rule, each with programs of its own."""
    left = {"train": amounts.train, "val": amounts.held_out, "test": amounts.held_out}
    left = {split: max(2, round(amount * most)) for split, most in left.items()}
    order = np.random.default_rng([seed, 5]).permutation(len(scores))
    for at in order:
        score = scores[at]
        if not left[score.split]:
            continue
        left[score.split] -= 1
        for i in range(amounts.each if score.split == "train" else 1):
            rng = np.random.default_rng([seed, int(at), i])
            own = score.source == patterns.NAME
            pace = float(rng.uniform(*_PACES)) if score.split == "train" and not own else 1.0
            last = max(n.start for part in score.parts for n in part.notes)
            room = last - SECONDS * pace
            begin = 0.0 if own or room <= 0 else float(rng.uniform(0, room))
            cut = _arranged(score, score.stretch(begin, SECONDS, pace), rng)
            if sum(len(part.notes) for part in cut.parts) >= 8:
                yield replace(cut, id=f"{score.id}/{i}")


def _arranged(score: Score, cut: Score, rng: np.random.Generator) -> Score:
    melodic = [p for p in cut.parts if not p.drums and p.notes]
    parts = [
        replace(p, program=int(rng.choice(_LEADS if i == 0 and len(melodic) > 1 else _KEYS)))
        for i, p in enumerate(melodic)
    ]
    if score.source == emopia.NAME:
        parts = [replace(p, program=int(rng.choice((0, 1)))) for p in melodic]
    drums = [p for p in cut.parts if p.drums and p.notes]
    if score.source == pop909.NAME and rng.random() < _BACKED and len(cut.downbeats) > 2:
        metre = round(float(np.median(np.diff(np.searchsorted(cut.beats, cut.downbeats - 1e-6)))))
        from_bar = cut.beats[cut.beats >= cut.downbeats[0] - 1e-6]
        drums = [patterns.drums(from_bar, 3 if metre == 3 else 4, 0.0, rng)]
    return replace(cut, parts=(*parts, *drums))


def _play_all(scores: Sequence[Score], font: Path | None, workers: int, progress: bool) -> list[Excerpt]:
    rng = np.random.default_rng(len(scores))
    tasks = [(tuple(group), font, int(rng.choice(_KITS))) for group in _together(scores)]
    done: dict[str, Excerpt] = {}
    with Readers[Any, list[Excerpt]](_play, workers, _PATIENCE_S, _MEMORY_MB) as players:
        for result in counted(players.read(tasks), len(tasks), progress, "rendering"):
            if result.value is None:
                raise LabError(
                    f"rendering {result.task[0][0].id}: {result.reason} {result.detail}; is there memory left?"
                )
            done |= {excerpt.id: excerpt for excerpt in result.value}
    return [done[score.id] for score in scores]


def _together(scores: Sequence[Score]) -> Iterator[list[Score]]:
    """Groups for one rendering each, since opening the SoundFont takes longer than playing an excerpt."""
    group: list[Score] = []
    for score in scores:
        melodic = sum(not p.drums for s in (*group, score) for p in s.parts)
        if group and (melodic > _MELODIC or len(group) == _TOGETHER):
            yield group
            group = []
        group.append(score)
    if group:
        yield group


def _play(task: tuple[tuple[Score, ...], Path | None, int]) -> list[Excerpt]:
    scores, font, kit = task
    parts: list[Part] = []
    struck: list[Note] = []
    for i, score in enumerate(scores):
        begin = i * (SECONDS + _GAP_S)
        for part in score.parts:
            notes = [n._replace(start=n.start + begin, end=n.end + begin) for n in part.notes]
            if part.drums:
                struck += notes
            else:
                parts.append(replace(part, notes=notes))
    if struck:
        parts.append(Part(kit, struck, drums=True))
    wave, out = render(parts, font), []
    whole = np.zeros(round(len(scores) * (SECONDS + _GAP_S) * RATE), np.float32)
    whole[: len(wave)] = wave[: len(whole)]
    for i, score in enumerate(scores):
        first = round(i * (SECONDS + _GAP_S) * RATE)
        frames = log_mel(whole[first : first + round(SECONDS * RATE)])
        strokes = strokes_of(score.parts)
        values = values_of(score, strokes, SECONDS) | {"flatness": flatness(frames)}
        out.append(
            Excerpt(
                score.id,
                score.source,
                score.group,
                frames.astype(np.float16),
                score.beats,
                score.downbeats,
                strokes,
                values,
                score.split,
            )
        )
    return out


def flatness(frames: np.ndarray) -> float:
    """Mean over frames `[T, 128]` of the geometric by the arithmetic mean of the bands' amplitudes."""
    half = np.asarray(frames, np.float64) / 2
    return float(np.exp(half.mean(1) - np.log(np.exp(half).mean(1))).mean())


def _font(path: str | None) -> Path | None:
    if path is None:
        return None
    if not Path(path).is_file():
        raise DataError(
            f"data.test_font: {path} is not there; install it (FluidR3 is Debian's fluid-soundfont-gm) or type "
            "data.test_font=null"
        )
    return Path(path)


@dataclass(frozen=True)
class FeelRules(Rules[Excerpt]):
    """Every excerpt in the split that it was rendered for."""

    seed: int
    font: str
    nothing = "no music was found"
    remedy = "Set DATA_ROOT to a folder with a data set of docs/feel.md, or type data=feel_rules"
    named_licences = True

    def split(self, songs: list[Excerpt]) -> Split:
        rule = {
            "rule": f"by drummer, song and recording; drummers {', '.join(groove_midi.TEST)} in test alone; music by rule in "
            f"training alone where there is other music; trained on {rendering.SOUND_FONT}, tested on {self.font}",
            "seed": self.seed,
        }
        return Split([song.split for song in songs], rule)

    def counts(self, songs: list[Excerpt]) -> dict[str, Any]:
        return {"excerpts": len(songs), "groups": len({song.group for song in songs})}

    def stand_in(self, used: list[str]) -> str | None:
        return patterns.STAND_IN if used == [patterns.NAME] else None


def grouped(songs: Sequence[Excerpt]) -> Groups:
    """Excerpts of one drummer, song or recording."""
    groups = Groups(len(songs))
    groups.join_equal((song.source, song.group) for song in songs)
    return groups
