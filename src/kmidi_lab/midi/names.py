"""Text in MIDI files, whose encoding no file says: UTF-8 where it is that, else what the bytes look like."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

LONGEST = 120
_LETTER = "A-Za-z"
_MIXED = re.compile(rf"[{_LETTER}][^\x00-\x7f]|[^\x00-\x7f][{_LETTER}]")
_KANA = re.compile("[぀-ヿ]")
_HALF_KANA = re.compile("[｡-ﾟ]")
_LOW_HALF_KANA = re.compile("[｡-ｿ]")
_PRIVATE = re.compile("[\ue000-\uf8ff]")
_CYRILLIC_WORD = re.compile("[А-ЯЁ]?[а-яё]+|[А-ЯЁ]+")


def _japanese(text: str) -> bool:
    """Accents stand inside words of Latin letters, where Japanese signs would not; capitals of Cyrillic look like half kana."""
    if _PRIVATE.search(text):
        return False
    if _KANA.search(text):
        return True
    return not _MIXED.search(text) and (not _HALF_KANA.search(text) or bool(_LOW_HALF_KANA.search(text)))


def _cyrillic(text: str) -> bool:
    words = re.findall(r"[^\W\d_]+", text)
    foreign = [word for word in words if not word.isascii()]
    return bool(foreign) and all(len(word) > 1 and _CYRILLIC_WORD.fullmatch(word) for word in foreign)


def _east_asian(text: str) -> bool:
    return not _MIXED.search(text) and all(ord(c) < 128 or unicodedata.east_asian_width(c) in "WF" for c in text)


_GUESSES: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("cp932", _japanese),
    ("cp1251", _cyrillic),
    ("gb18030", _east_asian),
    ("euc_kr", _east_asian),
)

_TELLING = re.compile(
    "メロディ|ボーカル|ドラム|ベース|ギター|ピアノ|旋律|主唱|鼓|мелод|вокал|соло|голос|удар|барабан|гитар|멜로디|보컬|드럼|μελωδ|"
    "mélod|melodí|zpěv|şarkı"
)
"""Words that a track is named with: an encoding in which a name has one of them is the right one."""
_RARE = ("euc_jp", "big5", "koi8_r", "cp866", "euc_kr", "cp1253", "cp1250", "cp1254", "mac_roman", "cp437")
"""Encodings that short names don't tell by their looks."""


def decoded(data: bytes) -> str:
    """Bytes of a name as printable text of at most `LONGEST` characters.

    UTF-8 (UTF-16 with its mark), else what has a word that tracks are named with, else Shift-JIS, Windows' Cyrillic, GB
    18030 or EUC-KR where the result looks like such a text, else Windows' Western code page.
    """
    return "".join(c for c in _text(data) if c.isprintable()).strip()[:LONGEST]


def _text(data: bytes) -> str:
    cuts = range(4) if len(data) > 4 * LONGEST else range(1)  # what is cut may end inside a character
    data = data[: 4 * LONGEST]
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="ignore")
    for cut in cuts:
        try:
            return data[: len(data) - cut].decode("utf-8-sig")
        except UnicodeDecodeError:
            continue
    texts = {encoding: data.decode(encoding, errors="ignore") for encoding in (*dict(_GUESSES), *_RARE)}
    for text in texts.values():
        if _TELLING.search(text.casefold()):
            return text
    for encoding, plausible in _GUESSES:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if plausible(text):
            return text
    return data.decode("cp1252", errors="replace").replace("�", "")


def plain(text: str) -> str:
    """Text to compare names by: lower case, full width, without accents of Latin letters."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFC", "".join(c for c in apart if not "̀" <= c <= "ͯ"))
