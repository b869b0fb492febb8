"""The pages of an Ogg file: its recordings one behind the other, whether they are whole, and FLAC taken out of them.

S. Pfeiffer, *The Ogg Encapsulation Format Version 0* (RFC 3533, 2003). libsndfile reads the first of several recordings
alone, and no FLAC in Ogg.
"""

from __future__ import annotations

from dataclasses import dataclass

from kmidi_lab.audio.spliced import Stretch, Window

_FIRST, _LAST = 2, 4
_FLAC = b"\x7fFLAC"
_FLAC_FACTS = 9
"""Bytes of the first packet before a FLAC file begins: the mark, the mapping's version, how many headers follow."""


@dataclass(frozen=True)
class Page:
    """Where a page begins, where what it holds does, where it ends; its flags, and the number of its stream."""

    begin: int
    body: int
    end: int
    flags: int
    serial: int


@dataclass(frozen=True)
class Link:
    """One recording of a chain: the pages that are whole, and whether its end is missing."""

    pages: tuple[Page, ...]
    cut: bool


def links(data: bytes | Window) -> list[Link]:
    """The recordings of an Ogg file, in order; empty where there is no whole page."""
    pages, whole = _pages(data)
    chain: list[list[Page]] = []
    for page in pages:
        if page.flags & _FIRST and (not chain or not chain[-1][-1].flags & _FIRST):
            chain.append([])
        if chain:
            chain[-1].append(page)
    ended = [any(page.flags & _LAST for page in link) for link in chain]
    return [Link(tuple(link), not ended[i] or (i == len(chain) - 1 and not whole)) for i, link in enumerate(chain)]


def flac_of(data: bytes | Window, link: Link) -> list[Stretch] | None:
    """Where the FLAC file lies in the pages of a link; None where it holds something else."""
    first = link.pages[0]
    if data[first.body : first.body + len(_FLAC)] != _FLAC:
        return None
    pages = [(page.body, page.end) for page in link.pages[1:] if page.serial == first.serial]
    return [(first.body + _FLAC_FACTS, first.end), *pages]


def _pages(data: bytes | Window) -> tuple[list[Page], bool]:
    """(the pages that are whole, whether the file ends with one)."""
    pages: list[Page] = []
    at, whole = data.find(b"OggS"), True
    while at >= 0:
        page = _page(data, at)
        whole = page is not None
        if page is not None:
            pages.append(page)
        at = data.find(b"OggS", page.end if page else at + 4)
    return pages, whole


def _page(data: bytes | Window, at: int) -> Page | None:
    """The page that begins at a byte; None where it is not all there."""
    head = data[at : at + 27]
    lacing = data[at + 27 : at + 27 + head[26]] if len(head) == 27 else b""
    body = at + 27 + len(lacing)
    end = body + sum(lacing)
    if len(head) < 27 or len(lacing) < head[26] or end > len(data):
        return None
    return Page(at, body, end, head[5], int.from_bytes(head[14:18], "little"))
