"""Every source of sentences that is present: what is in which split, and what the card says."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from datamodules.intent import goemotions, rated, rules, side
from datamodules.shared import engine
from datamodules.shared.cache import code_version
from datamodules.shared.engine import Rules, Split
from datamodules.shared.library import Problem, SplitLibrary
from datamodules.shared.sources import Source, below, find_sources
from datamodules.shared.splits import Groups, SplitBy, assign
from kmidi_lab.models.intent.features import Sentence
from kmidi_lab.text.pieces import tokens

SOURCES = (goemotions.NAME, rated.NAME, "isear", "xed", rules.NAME)
_REAL = SOURCES[:2]
Library = SplitLibrary[Sentence]


def load(root: Path, cache_dir: Path, names: Sequence[str], by: SplitBy) -> Library:
    """Reads and splits, or takes the prepared result of the same files, code and settings from the cache."""
    present, absent = find_sources(sources(root), [name for name in SOURCES if name in names])
    version = engine.version([p.name for p in present], tuple(by), present)
    made = SentenceRules(by)
    return engine.load(cache_dir / "feeling_texts", present, absent, version, code_version(__name__), made)


def sources(root: Path) -> list[Source[Sentence]]:
    """All of SOURCES."""
    files = below(root)
    return [
        Source(goemotions.NAME, partial(goemotions.files, root), lambda _: goemotions.read(root), files),
        Source(rated.NAME, partial(rated.files, root), rated.read, files),
        Source("isear", partial(side.isear_files, root), side.read_isear, files),
        Source("xed", partial(side.xed_files, root), side.read_xed, files),
        Source(rules.NAME, list, lambda _: rules.read(), lambda _: rules.contents(), always=True),
    ]


@dataclass(frozen=True)
class SentenceRules(Rules[Sentence]):
    """Published test parts are the test; of the rest a share by text is validation. No text is in two splits.

    Where no real sentences were read, those made by rule are split by the word that they are made of.
    """

    by: SplitBy
    nothing = "no usable sentence was found"
    remedy = "Set DATA_ROOT to a folder with goemotions/, emobank/, isear/ or xed/, or add rules to data.sources"
    named_licences = True

    def split(self, songs: list[Sentence]) -> Split:
        if not any(song.source in _REAL for song in songs):
            groups = group(songs)
            groups.join_equal(song.id.rpartition("/")[0] if song.source == rules.NAME else None for song in songs)
            places = assign([song.id for song in songs], groups, *self.by)
            return Split(places, {"rule": "by the word that a sentence is made of", "seed": self.by.seed})
        held_out = {normalised(song.text) for song in songs if song.part == "dev"}
        places, left_out = [], {}
        for at, song in enumerate(songs):
            key, by_rule = normalised(song.text), song.source == rules.NAME
            place = "test" if song.part == "dev" else "val" if self._in_validation(key) else "train"
            places.append("train" if by_rule else place)
            if key in held_out and place != "test":
                left_out[at] = Problem(song.id, "", "its text is in the test", song.title)
            elif by_rule and place == "val":
                left_out[at] = Problem(song.id, "", "its text might be in the validation", song.title)
        rule = "published dev parts are the test; a share of the other texts, by a hash of the words, is validation"
        return Split(places, {"rule": rule, "seed": self.by.seed}, left_out)

    def _in_validation(self, key: str) -> bool:
        digest = hashlib.sha256(f"{self.by.seed}:{key}".encode(errors="ignore")).hexdigest()
        return int(digest[:8], 16) / 2**32 < self.by.val

    def counts(self, songs: list[Sentence]) -> dict[str, Any]:
        return {"songs": len(songs), "events": len(songs)}

    def stand_in(self, used: list[str]) -> str | None:
        if any(name in _REAL for name in used):
            return None
        return "No sentences that people wrote and rated (GoEmotions, EmoBank) were used: sentences made by rule from words of feeling stand in for them."


def normalised(text: str) -> str:
    """Equal for texts of the same words and marks in the same order."""
    return " ".join(tokens(text))


def group(songs: list[Sentence]) -> Groups:
    """Sentences that must share a split: those of the same words."""
    groups = Groups(len(songs))
    groups.join_equal(normalised(song.text) for song in songs)
    return groups
