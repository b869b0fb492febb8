"""Sound files that soundfile does not write: FLAC of any depth, FLAC in Ogg, WAV with a header of one's own, MP3
frames.
"""

from __future__ import annotations

import io
import struct

import numpy as np
import soundfile

_DEPTH_CODES = {8: 1, 12: 2, 16: 4, 20: 5, 24: 6}
_FLAC_BLOCK = 4096


def encoded(samples: np.ndarray, rate: int, kind: str, subtype: str | None = None) -> bytes:
    """What soundfile writes."""
    out = io.BytesIO()
    soundfile.write(out, samples, rate, format=kind, subtype=subtype)
    return out.getvalue()


def plucked(bpm: float, seconds: float, rate: int = 16_000) -> np.ndarray:
    """Samples `[S]` of plucked notes at a tempo, with a stroke of noise each: music, as bursts of noise alone are not."""
    wave, t = np.zeros(round(seconds * rate)), np.arange(rate // 2) / rate
    stroke = np.random.default_rng(0).normal(0, 0.15, len(t)) * np.exp(-t * rate / 300)
    for number, at in enumerate(np.arange(0, seconds - 0.2, 60 / bpm)):
        hertz = 220 * 2 ** ((0, 7, 3, 5, 12, 10, 7, 3)[number % 8] / 12)
        note = sum(np.sin(2 * np.pi * hertz * k * t) / k for k in range(1, 9)) * np.exp(-6 * t) / 5 + stroke
        into = wave[round(at * rate) :][: len(t)]
        into += note[: len(into)]
    return wave.clip(-1, 1)


def wav(samples: np.ndarray, rate: int, claimed: int | None = None, behind: bytes = b"") -> bytes:
    """16-bit WAV whose header claims so many bytes of sound; `behind` is what follows the sound."""
    data = (samples * 32767).astype("<i2").tobytes()
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    facts = struct.pack("<IHHIIHH", 16, 1, channels, rate, rate * 2 * channels, 2 * channels, 16)
    size = struct.pack("<I", len(data) if claimed is None else claimed)
    body = b"WAVEfmt " + facts + b"data" + size + data + behind
    return b"RIFF" + struct.pack("<I", len(body)) + body


def flac_packets(samples: np.ndarray, rate: int, bits: int, claimed: int | None = None) -> list[bytes]:
    """The facts (with their block's header) and the frames, uncompressed, of mono FLAC of any number of bits."""
    values = np.round(samples * (2 ** (bits - 1) - 1)).astype(np.int64)
    total = len(values) if claimed is None else claimed
    facts = (rate << 44 | 0 << 41 | (bits - 1) << 36 | total).to_bytes(8, "big")
    sizes = struct.pack(">HH", _FLAC_BLOCK, _FLAC_BLOCK)
    out = [b"\x80\x00\x00\x22" + sizes + bytes(6) + facts + bytes(16)]
    for number, at in enumerate(range(0, len(values), _FLAC_BLOCK)):
        block = values[at : at + _FLAC_BLOCK]
        assert number < 128
        head = bytes([0xFF, 0xF8, 0x70, _DEPTH_CODES.get(bits, 0) << 1, number]) + struct.pack(">H", len(block) - 1)
        head += bytes([_crc(head, 8, 0x07)])
        body = "00000010" + "".join(format(int(v) & (2**bits - 1), f"0{bits}b") for v in block)
        body += "0" * (-len(body) % 8)
        frame = head + int(body, 2).to_bytes(len(body) // 8, "big")
        out.append(frame + struct.pack(">H", _crc(frame, 16, 0x8005)))
    return out


def flac(samples: np.ndarray, rate: int, bits: int, claimed: int | None = None) -> bytes:
    return b"fLaC" + b"".join(flac_packets(samples, rate, bits, claimed))


def ogg_flac(samples: np.ndarray, rate: int, bits: int = 16) -> bytes:
    """FLAC in Ogg, one packet a page as far as a page holds it."""
    facts, *frames = flac_packets(samples, rate, bits)
    packets = [b"\x7fFLAC\x01\x00\x00\x01fLaC" + b"\x00" + facts[1:], b"\x84\x00\x00\x08" + bytes(8), *frames]
    out, number = [], 0
    for i, packet in enumerate(packets):
        for part in [packet[at : at + 255 * 255] for at in range(0, len(packet), 255 * 255)]:
            whole = len(part) < 255 * 255
            lacing = [255] * (len(part) // 255) + ([len(part) % 255] if whole else [])
            flags = 2 if i == 0 else 4 if i == len(packets) - 1 else 0
            page = struct.pack("<4sBBqIIIB", b"OggS", 0, flags, 0, 7, number, 0, len(lacing)) + bytes(lacing) + part
            out.append(page[:22] + struct.pack("<I", _crc(page, 32, 0x04C11DB7)) + page[26:])
            number += 1
    return b"".join(out)


def flat_mp3(samples: np.ndarray, rate: int) -> bytes:
    """MP3 without the frame that tells its length."""
    data = encoded(samples, rate, "MP3")
    at = data.find(b"\xff", 4)
    while not (data[at + 1] == data[1] and data[at + 2] & 0x0C == data[2] & 0x0C and at > 100):
        at = data.find(b"\xff", at + 1)
    return data[at:]


def _crc(data: bytes, bits: int, polynomial: int) -> int:
    top, mask, value = 1 << (bits - 1), (1 << bits) - 1, 0
    for byte in data:
        value ^= byte << (bits - 8)
        for _ in range(8):
            value = (value << 1 ^ polynomial if value & top else value << 1) & mask
    return value
