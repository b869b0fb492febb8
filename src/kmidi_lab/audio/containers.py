"""A recording as what soundfile can read to its end, whatever its header says of the length.

soundfile reads as many samples as a header claims. Here the claim is checked against the file: sizes that programs
leave open when they write to a pipe, MP3 without a length, several Ogg recordings in one file, FLAC inside Ogg.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import soundfile

from kmidi_lab.audio import mpeg, ogg
from kmidi_lab.audio.caf import sound_of_caf
from kmidi_lab.audio.riff import bare_sound, sound_of_riff
from kmidi_lab.audio.spliced import SplicedFile, Stretch, Window, behind

_MOST_BYTES = 2**28
"""Of an MP3 or Ogg file that is looked through; a longer one is believed."""
_SEARCHED = 2**20
"""Bytes of an MP3 in which its sound must begin."""
_MPEG_SUFFIXES = (".mp3", ".mp2", ".mpga")
_ENDLESS = 0xFFFF_FFFF
"""The length of an AU file that leaves it open."""
_FLAC_MARK = b"fLaC\x00\x00\x00\x22"
"""The mark, and the head of the block that follows it: eight bytes that sound does not have by chance."""
_FLAC_HEAD = 42
"""The mark and the first block, which holds the facts of the stream."""
_WIDENED = {12: 16, 20: 24}
"""Bits of FLAC that libsndfile refuses, though libFLAC reads them: each frame tells them, too."""


@dataclass(frozen=True)
class Part:
    """One recording of a file. `claimed` is its length in samples as the header says, None where it says none."""

    source: str | SplicedFile
    cut: bool = False
    claimed: int | None = None


def parts_of(file: BinaryIO, path: Path) -> Iterator[Part]:
    """What to read of a recording, in order.

    Args:
        file: `path`, open for reading for as long as the parts are read.
        path: with the recording.
    """
    head = file.read(16)
    size = path.stat().st_size
    if (head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64") and head[8:12] == b"WAVE") or (
        head[:4] == b"FORM" and head[8:11] == b"AIF"
    ):
        yield _riff(file, path, size)
    elif head[:4] == b".snd":
        claimed = int.from_bytes(head[4:8], "big") + int.from_bytes(head[8:12], "big")
        yield Part(str(path), size < claimed < _ENDLESS)
    elif head[:4] == b"caff":
        parts = sound_of_caf(file, size)
        yield Part(str(path) if parts is None else SplicedFile(file, parts), parts is not None)
    elif head[:4] == b"riff":
        yield Part(str(path), size < int.from_bytes(file.read(8), "little"))
    elif _begins(file, head, b"fLaC"):
        begin = mpeg.tag_size(head)
        end = _before_tag(file, size)
        for stretch in _flacs(Window(file, size), begin, end):
            yield _flac(file, [stretch]) or Part(str(path))
    elif size <= _MOST_BYTES and _begins(file, head, b"OggS"):
        yield from _ogg(Window(file, size), file)
    elif size <= _MOST_BYTES and (
        head[:3] == b"ID3" or path.suffix.lower() in _MPEG_SUFFIXES or mpeg.frame_at(head, 0)
    ):
        yield _mpeg(Window(file, size), file, path)
    else:
        yield Part(str(path))


def _riff(file: BinaryIO, path: Path, size: int) -> Part:
    parts, cut = sound_of_riff(file, size)
    if parts is None:
        try:
            soundfile.info(str(path))
        except soundfile.LibsndfileError:
            file.seek(0)
            parts = bare_sound(file, size) if file.read(4) == b"RIFF" else None
    return Part(str(path) if parts is None else SplicedFile(file, parts), cut)


def _begins(file: BinaryIO, head: bytes, mark: bytes) -> bool:
    """Whether a file begins with a mark, maybe behind an ID3 tag."""
    begin = mpeg.tag_size(head)
    file.seek(begin)
    return file.read(len(mark)) == mark


def _flacs(data: Window, begin: int, end: int) -> list[Stretch]:
    """Where each of the recordings lies that were joined to one FLAC file; a long file is believed to be one."""
    begins = [begin]
    while end <= _MOST_BYTES and (at := data.find(_FLAC_MARK, begins[-1] + 1, end)) >= 0:
        begins.append(at)
    return list(zip(begins, [*begins[1:], end], strict=True))


def _before_tag(file: BinaryIO, size: int) -> int:
    """The end of a file without the ID3v1 tag that may stand there."""
    file.seek(max(0, size - 128))
    return size - 128 if size > 128 and file.read(3) == b"TAG" else size


def _flac(file: BinaryIO, parts: Sequence[Stretch]) -> Part | None:
    """FLAC that lies in stretches of a file, with its length left open, so that it is read as far as it goes."""
    head = SplicedFile(file, parts).read(_FLAC_HEAD)
    if len(head) < _FLAC_HEAD or head[4] & 127:
        return None
    facts = int.from_bytes(head[18:26], "big")
    claimed, bits = facts & (2**36 - 1), (facts >> 36 & 31) + 1
    wider = _WIDENED.get(bits, bits) - 1
    opened = head[:18] + (facts >> 41 << 41 | wider << 36).to_bytes(8, "big") + head[26:]
    return Part(SplicedFile(file, [opened, *behind(parts, _FLAC_HEAD)]), False, claimed or None)


def _ogg(data: Window, file: BinaryIO) -> Iterator[Part]:
    for link in ogg.links(data):
        inside = ogg.flac_of(data, link)
        part = None if inside is None else _flac(file, inside)
        if part is not None:
            yield Part(part.source, link.cut, part.claimed)
        else:
            yield Part(SplicedFile(file, [(page.begin, page.end) for page in link.pages]), link.cut)


def _mpeg(data: Window, file: BinaryIO, path: Path) -> Part:
    stream = mpeg.walk(data)
    if stream is None:
        if data.find(b"\xff", 0, _SEARCHED) < 0:  # libmpg123 would complain on standard error before it gives up
            raise OSError("no MPEG sound in it")
        return Part(str(path))
    believed = stream.claimed
    if believed is None:
        with soundfile.SoundFile(SplicedFile(file, [mpeg.EMPTY_TAG, *stream.sound])) as opened:
            believed = opened.frames // stream.first.samples
    wrong = believed + 1 < stream.frames or (stream.claimed or 0) > stream.frames + 1 or len(stream.runs) > 1
    if stream.first.layer == 3 and (wrong or stream.cut):
        cut = stream.cut or (stream.claimed or 0) > stream.frames + 1
        return Part(SplicedFile(file, [mpeg.with_length(data, stream), *stream.sound]), cut)
    # What lies behind the sound is not shown to libmpg123, which warns of it on standard error.
    named = path.suffix.lower() in _MPEG_SUFFIXES and stream.runs[-1][1] == len(data)
    return Part(str(path) if named else SplicedFile(file, [mpeg.EMPTY_TAG, *stream.runs]), stream.cut)
