"""Every source of forms that is present: which songs are copies, which share a split, and what the card says."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from datamodules.shared import engine
from datamodules.shared.cache import code_version
from datamodules.shared.engine import Rules, Split
from datamodules.shared.library import SplitLibrary
from datamodules.shared.sources import Source, below, find_sources
from datamodules.shared.splits import Groups, SplitBy, assign
from datamodules.structure import billboard, form_rules, harmonix, jsd, pop909, salami
from kmidi_lab.models.structure.form import Form

READERS = (billboard, harmonix, pop909, salami, jsd)
"""Those that count bars come first: of two copies the first source's is kept."""
SOURCES = (*(reader.NAME for reader in READERS), form_rules.NAME)
Library = SplitLibrary[Form]
_BRACKETS = re.compile(r"\(.*?\)|\[.*?\]")
_GUESTS = re.compile(r"\b(?:feat|featuring|ft|vs|with)\b.*")
_ARTICLE = re.compile(r"^(?:the|an?) |, ?(?:the|an?)$")
_BEHIND = re.compile(r" - .*| (?:live|remix|remastered)\b.*")


def load(
    root: Path,
    cache_dir: Path,
    names: Sequence[str],
    by: SplitBy,
    progress: bool,
) -> Library:
    """Reads and splits, or takes the prepared result of the same files, code and settings from the cache.

    Forms by rule stand in only where no other source is there.
    """
    wanted = [name for name in SOURCES if name in names]
    present, absent = find_sources(sources(root, progress), wanted)
    real = [p for p in present if p.name != form_rules.NAME]
    chosen = real or present
    version = engine.version([p.name for p in chosen], tuple(by), chosen)
    rules = FormRules(by)
    return engine.load(cache_dir / "song_forms", chosen, absent, version, code_version(__name__), rules)


def sources(root: Path, progress: bool) -> list[Source[Form]]:
    """All of SOURCES."""
    return [
        *(
            Source(
                reader.NAME,
                partial(reader.files, root),
                partial(reader.read, progress=progress),
                below(root),
                folders=partial(_folder, root, reader.NAME),
            )
            for reader in READERS
        ),
        Source(
            form_rules.NAME, list, lambda _: form_rules.read(), lambda _: [form_rules.VERSION.encode()], always=True
        ),
    ]


def _folder(root: Path, name: str) -> list[Path]:
    return [root / name]


@dataclass(frozen=True)
class FormRules(Rules[Form]):
    """One form of each song; songs with one title, whoever sings them, share a split."""

    by: SplitBy
    nothing = "no usable song form was found"
    remedy = "Set DATA_ROOT to a folder with billboard/, harmonix/, pop909_structure/, salami/ or jsd/"
    same = "the same song as another, by artist and title"
    named_licences = True

    def key(self, song: Form) -> Hashable:
        return song_key(song)

    def split(self, songs: list[Form]) -> Split:
        places = assign([s.id for s in songs], group(songs), *self.by)
        return Split(places, {"rule": "by song: hash of the group of songs with one title", "seed": self.by.seed})

    def counts(self, songs: list[Form]) -> dict[str, Any]:
        return {"songs": len(songs), "sections": sum(len(s.sections) for s in songs)}

    def stand_in(self, used: list[str]) -> str | None:
        if any(name != form_rules.NAME for name in used):
            return None
        return "Forms made by rule stand in for annotated songs: no source was found below DATA_ROOT."


def song_key(form: Form) -> tuple[str, str] | None:
    """(artist, title) as any data set may spell them; None where one is unknown: then it is no copy of anything."""
    artist, title = plain(_GUESTS.sub("", form.artist.lower())), title_key(form.title)
    return (artist, title) if artist and title else None


def title_key(title: str) -> str:
    """A title without brackets, guests, articles, what stands behind a dash, accents and signs."""
    bare = _BEHIND.sub("", _GUESTS.sub("", _BRACKETS.sub(" ", title.lower().replace("_", " "))))
    return plain(bare) or plain(title)


def plain(name: str) -> str:
    """Letters and digits alone, without accents and a leading or trailing article; `&` is `and`."""
    folded = unicodedata.normalize("NFKD", name.lower().replace("&", " and ").replace("_", " "))
    folded = "".join(c for c in folded if not unicodedata.combining(c)).strip()
    return "".join(c for c in _ARTICLE.sub("", " ".join(folded.split())) if c.isalnum())


def group(songs: list[Form]) -> Groups:
    """Songs that must share a split: those with one title, as a song and its cover are."""
    groups = Groups(len(songs))
    groups.join_equal(title_key(s.title) or None for s in songs)
    return groups
