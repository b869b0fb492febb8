"""The clips of every source that is there: music by rule for each emotion node, and played music in two keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import chain
from pathlib import Path
from typing import Any

from datamodules.emotion_node import made, played
from datamodules.emotion_node.by_notes import NoteListener
from datamodules.emotion_node.composing import Players
from datamodules.emotion_node.made import plan, rendered
from datamodules.emotion_node.played import Piece
from datamodules.emotion_node.sounding import Heard, in_conditions
from datamodules.emotion_node.stretches import clips_of, tested_in_conditions
from datamodules.shared import emopia, engine, rendering
from datamodules.shared.cache import cached, code_version, data_version
from datamodules.shared.engine import Rules, Split
from datamodules.shared.library import Reading, SplitLibrary
from datamodules.shared.sources import Source, below, find_sources, packages
from datamodules.shared.splits import Groups
from datamodules.shared.stored import SUFFIX
from kmidi_lab.audio.clips import Clip
from kmidi_lab.audio.conditions import CHANGES
from kmidi_lab.models.emotion_node import features

SOURCES = (made.NAME, emopia.NAME, played.POP909)
STAND_IN = (
    "Music made by rule from a thesaurus whose numbers are the lab's own, rendered through a SoundFont: this measures how well "
    "the rule is read back, not what listeners feel."
)

_PACKAGES = "sf_GMbank is Debian's csound-soundfont, FluidR3 its fluid-soundfont-gm"


def load(
    root: Path,
    cache_dir: Path,
    names: Sequence[str],
    renderings: int,
    stretches: int,
    teacher: bool,
    copies: int,
    nodes: int,
    split_seed: int,
    fonts: Sequence[str],
    test_font: str | None,
    workers: int,
    progress: bool,
) -> SplitLibrary[Clip]:
    """Renders, or takes the prepared result from the cache.

    Args:
        root: folder that holds `emopia/` and `pop909/` as published.
        cache_dir: where clips are kept.
        names: of SOURCES; music by rule always is there.
        renderings: training clips of each node, in two keys each.
        stretches: of each piece of played music and SoundFont to train on, in two keys each.
        teacher: whether training stretches get what a listener made of EMOPIA's notes says of theirs (`by_notes`).
        copies: of each training clip through channels that are drawn (`datamodules.shared.recorded`).
        nodes: how many nodes.
        split_seed: of what is drawn, and of EMOPIA's validation part.
        fonts: paths of SoundFonts that played music is trained on beside TimGM6mb.
        test_font: of the SoundFont that played music is tested through; None is TimGM6mb.
        workers: processes that render.

    Raises:
        DataError: a SoundFont is not there.
    """
    own = [*packages("midirenderer", "pretty_midi"), features.THESAURUS.read_bytes()]
    trained = [rendering.sound_font("fonts", path, _PACKAGES, "[]") for path in fonts]
    tested = rendering.sound_font("test_font", test_font, _PACKAGES, "null") if test_font else None

    def by_rule(_: list[Path]) -> Reading[Clip]:
        clips = list(rendered(plan(renderings, split_seed, nodes), workers, progress, Heard(copies)))
        return Reading(made.NAME, rendering.LICENCE, clips, note=STAND_IN)

    @cache
    def listened() -> Reading[Piece]:
        return played.emopia_pieces(emopia.files(root), split_seed, trained, tested)

    @cache
    def listener() -> NoteListener | None:
        return NoteListener.fit(listened().items, split_seed) if teacher and emopia.NAME in names else None

    def by_players(_: list[Path]) -> Reading[Clip]:
        return clips_of(listened(), split_seed, stretches, listener(), Heard(copies), workers, progress)

    def without_labels(paths: list[Path]) -> Reading[Clip]:
        return clips_of(
            played.pop909_pieces(paths, trained), split_seed, stretches, listener(), Heard(copies), workers, progress
        )

    sources = [
        Source(made.NAME, list, by_rule, lambda _: own, always=True),
        Source(emopia.NAME, partial(emopia.files, root), by_players, below(root)),
        Source(played.POP909, partial(played.pop909_files, root), without_labels, below(root)),
    ]
    present, absent = find_sources(sources, [name for name in SOURCES if name in (made.NAME, *names)])
    heard = [(font.name, font.stat().st_size) for font in [*trained, *([tested] if tested else [])]]
    # Without copies the data are those of releases that knew none.
    drawn = (renderings, stretches, teacher, *((copies,) if copies else ()), nodes, split_seed)
    settings = (tuple(p.name for p in present), *drawn, rendering.SOUND_FONT, *heard)
    version = data_version(settings, chain(own, *(p.contents() for p in present)))
    rules = NodeRules(split_seed, tested.stem if tested else rendering.SOUND_FONT)
    return engine.load(cache_dir / "emotion_nodes", present, absent, version, code_version(__name__), rules)


def load_conditions(
    root: Path,
    cache_dir: Path,
    names: Sequence[str],
    nodes: int,
    split_seed: int,
    fonts: Sequence[str],
    test_font: str | None,
    workers: int,
    progress: bool,
) -> list[Clip]:
    """Test clips with what is heard of them in each of `CHANGES` as variants: of those alike but for the key the first.

    Args:
        root, cache_dir, names, nodes, split_seed, fonts, test_font, workers, progress: as of `load`.

    Raises:
        DataError: a SoundFont is not there.
    """
    own = [*packages("midirenderer", "pretty_midi"), features.THESAURUS.read_bytes()]
    trained = [rendering.sound_font("fonts", path, _PACKAGES, "[]") for path in fonts]
    tested = rendering.sound_font("test_font", test_font, _PACKAGES, "null") if test_font else None
    files = emopia.files(root) if emopia.NAME in names else []

    def make() -> list[Clip]:
        first: dict[str, made.Plan] = {}
        for one in plan(1, split_seed, nodes):
            if one.split == "test":
                first.setdefault(one.group, one)
        clips = list(rendered(list(first.values()), workers, progress, in_conditions))
        pieces = played.emopia_pieces(files, split_seed, trained, tested).items if files else []
        return [*clips, *tested_in_conditions(pieces, split_seed, workers, progress)]

    heard = [(font.name, font.stat().st_size) for font in [*trained, *([tested] if tested else [])]]
    settings = (bool(files), nodes, split_seed, tuple(CHANGES), rendering.SOUND_FONT, *heard)
    version = data_version(settings, chain(own, below(root)(files)))
    path = cache_dir / "emotion_nodes" / f"conditions-{version}-{code_version(__name__)}{SUFFIX}"
    return cached(path, list, make)


@dataclass(frozen=True)
class NodeRules(Rules[Clip]):
    """Every clip in the split that it was made for."""

    seed: int
    font: str
    nothing = "no clip was rendered"
    remedy = "Give data.renderings of 1 or more"
    named_licences = True

    def split(self, songs: list[Clip]) -> Split:
        rule = {
            "rule": "music by rule by instrument, tune and seed: none of the test's is heard in another split; EMOPIA by "
            f"recording, its published validation part is the test, through {self.font}",
            "seed": self.seed,
        }
        return Split([str(clip.split) for clip in songs], rule)

    def counts(self, songs: list[Clip]) -> dict[str, Any]:
        return {"clips": len(songs)}

    def stand_in(self, used: list[str]) -> str | None:
        return features.WITH_LISTENERS.removeprefix("Stand-in data: ") if features.LISTENERS in used else STAND_IN


def grouped(clips: Sequence[Clip]) -> Groups:
    """Clips by rule of one instrument, one tune or one seed; played ones of one recording."""
    groups = Groups(len(clips))
    for fact in (*Players._fields, "tune", "seed"):
        groups.join_equal((fact, clip.labels.get(fact, clip.group)) for clip in clips)
    return groups
