"""Recordings that soundfile can't read, told by their first bytes or their name, and the command that converts them."""

from __future__ import annotations

import shlex
from pathlib import Path

HEAD = 64
"""Bytes that tell a format."""
_MPEG4, _ASF, _MATROSKA = "MPEG-4 (M4A, AAC, ALAC, MP4 video)", "Windows Media (WMA, WMV)", "Matroska or WebM"
_MARKS: tuple[tuple[int, bytes, str], ...] = (
    (4, b"ftyp", _MPEG4), (4, b"moov", _MPEG4), (4, b"mdat", _MPEG4), (4, b"wide", _MPEG4),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", _ASF), (0, b"\x1a\x45\xdf\xa3", _MATROSKA), (8, b"AVI ", "AVI video"),
    (0, b"FLV\x01", "Flash video"), (0, b"#!AMR", "AMR"), (0, b"MAC ", "Monkey's Audio (APE)"), (0, b"wvpk", "WavPack"),
    (0, b"TTA1", "True Audio (TTA)"), (0, b"TTA2", "True Audio (TTA)"), (0, b"MPCK", "Musepack"), (0, b"MP+", "Musepack"),
    (0, b"DSD ", "DSD (DSF)"), (0, b"FRM8", "DSD (DFF)"), (0, b".RMF", "RealMedia"), (0, b".ra\xfd", "RealAudio"),
    (0, b"\x0b\x77", "Dolby Digital (AC-3)"), (0, b"\x7f\xfe\x80\x01", "DTS"), (0, b"\x00\x00\x01\xba", "MPEG video"),
    (0, b"\x00\x00\x01\xb3", "MPEG video"), (0, b"ADIF", "AAC"), (0, b"OFR ", "OptimFROG"), (0, b"tBaK", "TAK"),
    (28, b"Speex   ", "Ogg Speex"), (28, b"\x80theora", "Ogg video"), (28, b"fishead\0", "Ogg video"),
)  # fmt: skip
"""(offset, bytes, name), the first that fits counts; asked only of what soundfile has refused."""
_CONTAINERS = (
    (8, b"WAVE", "WAV"),
    (0, b"FORM", "AIFF"),
    (0, b"fLaC", "FLAC"),
    (28, b"\x7fFLAC", "Ogg FLAC"),
    (0, b"caff", "CAF"),
)
_UNSUPPORTED, _UNIMPLEMENTED = 4, 18
"""Codes of libsndfile: an encoding, a kind of data that it doesn't know."""
_READABLE = (
    (0, b"ID3", "MP3"), (0, b"OggS", "Ogg"), (0, b"RIFF", "RIFF"), (0, b"RIFX", "WAV"), (0, b"RF64", "WAV"),
    (0, b"BW64", "WAV"), (0, b"riff", "WAV (W64)"), (0, b".snd", "AU"), (0, b"MThd", "MIDI"),
)  # fmt: skip
_PLAIN_WAV = (0, 1, 3, 0xFFFE)
_SUFFIXES = {
    _MPEG4: "m4a m4b m4p m4r mp4 m4v mov 3gp 3g2 alac", "AAC": "aac adts", _ASF: "wma wmv asf", _MATROSKA: "mkv mka webm",
    "AVI video": "avi", "MPEG video": "mpg mpeg ts m2ts vob", "Flash video": "flv", "AMR": "amr", "RealMedia": "rm ra",
    "Monkey's Audio (APE)": "ape", "WavPack": "wv", "True Audio (TTA)": "tta", "Musepack": "mpc", "DSD": "dsf dff",
    "Dolby Digital": "ac3 eac3", "DTS": "dts", "Speex": "spx", "TAK": "tak",
}  # fmt: skip
_BY_SUFFIX = {f".{suffix}": name for name, suffixes in _SUFFIXES.items() for suffix in suffixes.split()}


def format_of(head: bytes) -> str | None:
    """The name of the sound or MIDI file that begins with these bytes; None for anything else.

    Args:
        head: its first bytes, HEAD of them or all.
    """
    for offset, mark, name in (*_MARKS, *_READABLE, *_CONTAINERS):
        if head[offset : offset + len(mark)] == mark:
            return name
    return None


def foreign_format(head: bytes, suffix: str, code: int = 0) -> str | None:
    """The name of the format of a recording that soundfile has refused; None for what is not known to be one.

    Args:
        head: its first bytes, HEAD of them or all.
        suffix: of its name, with the dot.
        code: libsndfile's, of why it was refused.
    """
    for offset, mark, name in _MARKS:
        if head[offset : offset + len(mark)] == mark:
            return name
    for offset, mark, name in _CONTAINERS:
        if head[offset : offset + len(mark)] == mark and len(head) == HEAD:
            other = _wav_codec(head) not in _PLAIN_WAV if name == "WAV" else code in (_UNSUPPORTED, _UNIMPLEMENTED)
            return f"{name} of a kind that soundfile lacks" if other else None
    if len(head) > 3 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        return "AAC"
    return _BY_SUFFIX.get(suffix.lower())


def _wav_codec(head: bytes) -> int:
    """What follows the mark of the format's chunk and its size; 0 where that chunk lies further on."""
    at = head.find(b"fmt ", 12)
    return int.from_bytes(head[at + 8 : at + 10], "little") if at >= 0 else 0


def conversion(path: Path | str) -> str:
    """What to type to get a WAV file of a recording or video."""
    source = str(path)
    return f"ffmpeg -i {shlex.quote(source)} -vn {shlex.quote(str(Path(source).with_suffix('')) + '_converted.wav')}"
