"""How a chord is written: `Cmaj9`, `F#m7b5/E`. What `jazz.parse_jazz` reads back as the same chord."""

from __future__ import annotations

_ADDED = {1: "b9", 2: "9", 3: "#9", 4: "3", 5: "11", 6: "#11", 7: "5", 8: "b13", 9: "13", 10: "#13", 11: "maj7"}
_STEMS = {
    "major": "",
    "minor": "m",
    "dim": "dim",
    "aug": "+",
    "dom7": "7",
    "maj7": "maj7",
    "min7": "m7",
    "dim7": "dim7",
}
TEMPLATES = {
    "major": (0, 4, 7),
    "minor": (0, 3, 7),
    "dim": (0, 3, 6),
    "aug": (0, 4, 8),
    "dom7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "min7": (0, 3, 7, 10),
    "dim7": (0, 3, 6, 9),
}
"""The plain chord of each quality: semitones above the root."""


def chord_name(root: str, bass: str, tones: set[int], below: int, quality: str) -> str:
    """The symbol with these names of root and bass.

    Args:
        root: name of the root.
        bass: name of the bass note.
        tones: semitones above the root, 0 among them.
        below: semitones from the root up to the bass note.
        quality: one of TEMPLATES.

    Returns:
        the symbol. A bass that is no tone of the chord itself stands after the slash only; where both ways of writing
        it are right, the shorter one is taken.
    """
    names = [suffix(tones, quality)]
    if below not in TEMPLATES[quality]:
        names.append(suffix(tones - {below}, quality))
    name = root + min(names, key=len)
    return f"{name}/{bass}" if below else name


def suffix(tones: set[int], quality: str) -> str:
    """What follows the root for these intervals above it and this quality: any of them can be written."""
    seventh = {"dom7": 10, "maj7": 11, "min7": 10}.get(quality)
    if quality == "dim7" and 10 in tones:
        return _with_seventh(tones, "m7", 3, 6, 10, "b5")
    if quality in ("minor", "dim") and {3, 11} <= tones and 10 not in tones:
        return _with_seventh(
            tones, "m(maj7)" if quality == "minor" else "dim(maj7)", 3, 7 if quality == "minor" else 6, 11
        )
    if seventh:
        return _with_seventh(tones, _STEMS[quality], 3 if quality == "min7" else 4, 7, seventh)
    return _without_seventh(tones, quality)


def _without_seventh(tones: set[int], quality: str) -> str:
    """Triads with added tones, and the diminished seventh."""
    plain = set(TEMPLATES[quality])
    extra, left, stem = tones - plain, plain - tones, _STEMS[quality]
    if tones == {0, 7} and quality == "major":
        return "5"
    if quality in ("major", "minor") and 9 in extra:
        stem, extra = (stem + "69", extra - {2, 9}) if 2 in extra else (stem + "6", extra - {9})
    if 4 in left and quality == "major":
        stem, extra, left = _suspended(stem, extra, left)
    if quality == "major" and 7 in left and 6 in extra:
        extra, left, stem = extra - {6}, left - {7}, stem + ("b5" if stem else "(b5)")
    elif quality == "minor" and 7 in left and 8 in extra:
        extra, left, stem = extra - {8}, left - {7}, stem + "#5"
    return stem + _rest(stem, extra, left)


def _with_seventh(tones: set[int], stem: str, third: int, fifth: int, seventh: int, altered: str = "") -> str:
    """Chords with a seventh, which a number up to 13 names with what lies above it."""
    plain = {0, third, fifth, seventh}
    extra, left = tones - plain, plain - tones
    if stem == "7" and left == {7} and extra == {1, 3, 6, 8}:
        return "7alt"
    if 4 in left:
        stem, extra, left = _suspended(stem, extra, left)
    if seventh in tones and (third in tones or stem.endswith("sus4")):
        below = set() if extra & {1, 3} else {2}
        sharp11 = 6 in extra and not (third == 4 and 7 in left)
        eleventh = set() if sharp11 or stem.endswith("sus4") else {5}
        for name, stack in (("13", {9} | below | eleventh), ("11", {5} | below), ("9", {2})):
            if stack <= extra and (name != "9" or below):
                stem, extra = stem.replace("7", name, 1), extra - stack
                break
    if 7 in left and (six := extra & ({6, 8} if third == 4 else {8})) and "(" not in stem:
        altered = "b5" if 6 in six else "#5"
        extra, left = extra - {min(six)}, left - {7}
    return stem + altered + _rest(stem + altered, extra, left)


def _suspended(stem: str, extra: set[int], left: set[int]) -> tuple[str, set[int], set[int]]:
    for tone, name in ((5, "sus4"), (2, "sus2")):
        if tone in extra:
            return stem + name, extra - {tone}, left - {4}
    return stem, extra, left


def _rest(stem: str, extra: set[int], left: set[int]) -> str:
    """Alterations as they are, in brackets where they would read as the root's; then `add` and `no`."""
    marks = [_ADDED[i] if _ADDED[i][0] in "b#" and i != 10 else f"add{_ADDED[i]}" for i in sorted(extra)]
    marks += [f"no{'3' if i in (3, 4) else '5' if i in (6, 7, 8) else '7'}" for i in sorted(left)]
    plain = all(mark[0] in "b#" for mark in marks) and stem[-1:].isdigit()
    return (
        "".join(marks)
        if plain or (len(marks) == 1 and marks[0][0] in "an")
        else f"({','.join(marks)})"
        if marks
        else ""
    )
