"""Keys as a sentence says them: `in D minor`, `F# major`, `key: G`; and letters that look like one and are none."""

from __future__ import annotations

import re

from kmidi_lab.composition.vocabulary import LOOKED_AT, MODES, OTHER, Item, kind_of

_KEY = re.compile(
    rf"(?P<tonic>[A-Ga-g])(?P<sign>[#♯b♭]|[ -]?(?:sharp|flat)\b)?(?:[ -]?(?P<mode>{MODES})\b|(?P<m>m)(?![\w'’-]))?"
    r"(?![\w'’#&/]|-\w)"
)
_OF_KEY = re.compile(r"\bkey(?: of| is|:|=)*\s*$", re.I)
_IN = re.compile(r"\b(?:in|key(?: of| is|:|=)*)\s*$", re.I)
_NO_NOTE = re.compile(r"\b(?:vitamin|hepatitis|plan|grade|type|class|team|group|section|unit|size|an)\s*$", re.I)
_GOES_ON = ("at", "with", "without", "and", "for", "please", "but", "about", "because", "no", "as")


def said_key(clause: str, at: int, shouted: bool) -> tuple[Item, int] | None:
    """A key that a letter begins, and how many characters it has; an `a` is one only where nothing else can be meant."""
    match = _KEY.match(clause, at)
    if match is None:
        return None
    before, after = clause[max(0, at - LOOKED_AT) : at], clause[match.end() : match.end() + LOOKED_AT].strip()
    if _NO_NOTE.search(before):
        return None
    following = kind_of(after)
    small = match["tonic"].islower() or shouted
    named = bool(_IN.search(before))
    if match["mode"]:
        if match["tonic"] in "aA" and not match["sign"] and (small or not before.strip()):
            whole = not before.strip() and not after
            ends = not after or after.split()[0].lower() in _GOES_ON
            sure = whole or (ends and named) if small else following != OTHER
        else:
            sure = named or following != OTHER
    elif match["m"]:
        sure = not shouted and match["tonic"].isupper() and following != OTHER
        sure = sure and (named or not (match["tonic"] == "A" and not match["sign"]) or not (before.strip() or after))
    elif _OF_KEY.search(before):
        sure = match["tonic"] != "a" and not (shouted and match["tonic"] == "A")
    else:
        alone = bool(match["sign"]) and not (before.strip() or after or small)
        sure = alone or (named and not small and following != OTHER)
    if not sure:
        return None
    sign = (match["sign"] or "").strip(" -")
    tonic = match["tonic"].upper() + {"sharp": "#", "♯": "#", "flat": "b", "♭": "b"}.get(sign.lower(), sign)
    mode = {"maj": "major", "min": "minor"}.get(match["mode"] or "", match["mode"] or ("minor" if match["m"] else ""))
    kind = "key" if mode or _OF_KEY.search(before) else "tonic"
    return Item(kind, match[0].lower(), (tonic, mode.lower())), match.end() - at
