"""What readers of forms have in common: words to types, and which songs are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from datamodules.shared.library import Reading
from datamodules.structure.labels import type_of
from kmidi_lab.models.structure.form import TYPES, Form, Section, trimmed

FEWEST, MOST = 3, 64
"""Sections of a song that is used: with fewer it has no form to learn, with more its file is broken."""
LONGEST_S = 24 * 3600.0
_OTHER = TYPES.index("other")
_SHORTEST_S = 0.5
Mark = tuple[float, str]
"""Where a section begins, in seconds, and its word in the data set."""


def read_forms(
    name: str,
    licence: str,
    note: str,
    paths: Iterable[Path],
    form_of: Callable[[Path, Reading[Form]], Form | None],
) -> Reading[Form]:
    """The forms of a source that has one in each file; `form_of` reports why a file has none, and gives None."""
    reading: Reading[Form] = Reading(name, licence, note=note)
    for path in paths:
        form = form_of(path, reading)
        if form is not None:
            keep(reading, form, path)
    return reading


def keep(reading: Reading[Form], form: Form, file: Path | str) -> None:
    """Adds the song, or reports why it can't be used."""
    if not FEWEST <= len(form.sections) <= MOST:
        reading.skip(file, form.title, f"not {FEWEST} to {MOST} sections", len(form.sections))
    elif not 0 < form.seconds < LONGEST_S:
        reading.skip(file, form.title, "times that can't be", form.seconds)
    elif 2 * sum(s.kind == _OTHER for s in form.sections) > len(form.sections):
        reading.skip(file, form.title, "most sections have no function")
    else:
        reading.items.append(form)


def kind_of(label: str, reading: Reading[Form], file: Path | str) -> int:
    """The type of a word; one that the table doesn't hold is `other`, and is remarked on."""
    kind = type_of(label)
    if kind is None:
        reading.remark(file, "a section's word that the table doesn't hold, read as other", label)
        return _OTHER
    return kind


def sections_of(
    marks: Sequence[Mark],
    reading: Reading[Form],
    file: Path | str,
    bars: Callable[[float, float], int | None] = lambda start, stop: None,
) -> tuple[Section, ...]:
    """The sections between marks, the last of which is the end of the song; those under half a second are left out.

    Args:
        marks: by time.
        reading: where words that the table doesn't hold are remarked on.
        file: named there.
        bars: how many there are between two times; None where nobody knows.
    """
    sections = [
        Section(kind_of(label, reading, file), stop - start, bars(start, stop))
        for (start, label), (stop, _) in zip(marks, marks[1:], strict=False)
        if stop - start >= _SHORTEST_S
    ]
    return trimmed(sections)
