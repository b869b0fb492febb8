"""McGill Billboard: the section names in `salami_chords.txt`, songs of the US charts, 1958 to 1991.

J. A. Burgoyne, J. Wild, I. Fujinaga, *An Expert Ground Truth Set for Audio Chord Recognition and Music Analysis*, ISMIR
2011. A line is a time, a tab, then perhaps a letter and a name (`B, verse, `), then bars between `|`; `x2` behind them
repeats the line. A line without a name goes on with the section before. `# metre:` may change.
"""

from __future__ import annotations

import re
from pathlib import Path

from datamodules.shared.library import Reading, shown
from datamodules.shared.texts import read_text
from datamodules.structure.labels import type_of
from datamodules.structure.reading import kind_of, read_forms
from kmidi_lab.models.structure.form import TYPES, Form, Section, trimmed

NAME = "billboard"
_LICENCE = "CC0"
_LINE = re.compile(r"^(\d+(?:\.\d+)?(?:e-?\d+)?)\t(.*)$")
_HEADER = re.compile(r"^#\s*(\w+):\s*(.*)$")
_METRE = re.compile(r"^(\d+)/(\d+)$")
_TIMES = re.compile(r"\bx(\d)\b")
_LETTER = re.compile(r"^[A-Z]'*$")
_NO_MUSIC = "Z"
_MOST_TIMES = 8
_NOTHING = TYPES.index("silence")


def files(root: Path) -> list[Path]:
    return sorted((root / NAME).rglob("salami_chords.txt"))


def read(paths: list[Path], progress: bool = False) -> Reading[Form]:
    """Every song; bars are counted from the chords, the metre is the first that is stated."""
    return read_forms(
        NAME, _LICENCE, "bars counted in the chord lines", shown(paths, f"reading {NAME}", progress), _form
    )


def _form(path: Path, reading: Reading[Form]) -> Form | None:
    text = read_text(path, reading)
    if text is None:
        return None
    said: dict[str, str] = {}
    begun: list[tuple[float, int, int]] = []
    end = 0.0
    for line in text.splitlines():
        if header := _HEADER.match(line):
            said.setdefault(header[1].lower(), header[2].strip())
        elif timed := _LINE.match(line):
            end = float(timed[1])
            before, bar, chords = timed[2].partition("|")
            words = [w.strip() for w in before.split(",") if w.strip()]
            if words and words != ["end"]:
                names = [w for w in words if not _LETTER.match(w)] or ["silence"] * (words[0][0] == _NO_MUSIC)
                begun.append((end, _kind(names, reading, path), 0))
            if bar and begun:
                start, kind, bars = begun[-1]
                begun[-1] = (start, kind, bars + _bars(chords))
    if not begun:
        reading.skip(path, said.get("title", ""), "no sections")
        return None
    metre = _METRE.match(said.get("metre", ""))
    title, artist = said.get("title") or path.parent.name, said.get("artist", "")
    stops = [*(start for start, _, _ in begun[1:]), end]
    sections = [
        Section(kind, stop - start, bars or None) for (start, kind, bars), stop in zip(begun, stops, strict=True)
    ]
    quarters = 4 * int(metre[1]) / int(metre[2]) if metre and int(metre[2]) else None
    whole = trimmed([s for s in sections if s.seconds > 0])
    return Form(f"{NAME}/{path.parent.name}", NAME, title, artist, whole, quarters or None)


def _kind(names: list[str], reading: Reading[Form], path: Path) -> int:
    """Of the names of a line the first that is no fading out or noise; a letter without a name is `other`."""
    if not names:
        reading.remark(path, "a section with a letter and no name, read as other")
        return TYPES.index("other")
    telling = [n for n in names if type_of(n) not in (None, _NOTHING) and "fade" not in n]
    return kind_of((telling or names)[0], reading, path)


def _bars(chords: str) -> int:
    """How many bars a line holds, from behind its first `|`."""
    held, _, behind = chords.rpartition("|")
    times = _TIMES.search(behind)
    return len(held.split("|")) * (min(int(times[1]), _MOST_TIMES) if times else 1)
