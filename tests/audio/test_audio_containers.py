"""Lengths that headers get wrong, formats inside others, files cut short; beside soundfile's own reader."""

from __future__ import annotations

import struct
import tracemalloc

import numpy as np
import pytest
import soundfile
import soxr
from support.sound_files import encoded, flac, flat_mp3, ogg_flac, wav
from support.sweep import RATE, SWEEP, kept, near

from kmidi_lab.audio import containers, spliced
from kmidi_lab.audio.io import CUT, MEASURED, AudioError, read_audio, read_recording

SECONDS = len(SWEEP) / RATE


@pytest.mark.parametrize(
    ("kind", "subtype", "off"),
    [
        ("WAV", "DOUBLE", 1e-4), ("WAV", "PCM_U8", 0.01), ("WAV", "ALAW", 0.02), ("WAV", "ULAW", 0.02),
        ("WAVEX", "PCM_24", 1e-4), ("RF64", "PCM_16", 1e-4), ("RF64", "FLOAT", 1e-4), ("W64", "PCM_16", 1e-4),
        ("AIFF", "PCM_24", 1e-4), ("AU", "PCM_16", 1e-4), ("CAF", "ALAC_16", 1e-4), ("FLAC", "PCM_24", 1e-4),
    ],
)  # fmt: skip
def test_every_kind_is_what_was_written(tmp_path, kind, subtype, off):
    path = kept(tmp_path, encoded(SWEEP, RATE, kind, subtype))
    got = read_recording(path, RATE)
    assert near(got.samples, off=off) and not got.notes
    np.testing.assert_array_equal(got.samples, soundfile.read(str(path), dtype="float32")[0])


@pytest.mark.parametrize(
    ("kind", "subtype"), [("WAV", "IMA_ADPCM"), ("WAV", "MS_ADPCM"), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", None)]
)
@pytest.mark.parametrize("rate", [8_000, 24_000, 48_000])
def test_lossy_kinds_are_read_as_soundfile_and_soxr_do(tmp_path, kind, subtype, rate):
    path = kept(tmp_path, encoded(SWEEP[: 2 * RATE], rate, kind, subtype), f"x.{kind.lower()}")
    got = read_audio(path, RATE)
    want = soxr.resample(*soundfile.read(path, dtype="float32"), RATE)
    assert abs(len(got) - len(want)) <= 1
    np.testing.assert_allclose(got[: len(want)], want[: len(got)], atol=1e-6)


@pytest.mark.parametrize("claimed", [0, 100, 1000, 96_000, 0x7FFFF000, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_wav_whose_header_leaves_the_length_open_or_too_small_is_read_to_its_end(tmp_path, claimed):
    got = read_recording(kept(tmp_path, wav(SWEEP, RATE, claimed)), RATE)
    assert near(got.samples) and not got.notes


@pytest.mark.parametrize(
    "behind", [b"LIST\x04\0\0\0INFO", b"TAG" + b"a" * 125, bytes(5000), b"<xml>a tag of its own</xml>"]
)
def test_what_follows_the_sound_of_a_wav_is_no_sound(tmp_path, behind):
    assert near(read_audio(kept(tmp_path, wav(SWEEP, RATE, behind=behind)), RATE))


def test_an_rf64_without_a_length_is_read_to_its_end(tmp_path):
    data = bytearray(encoded(SWEEP, RATE, "RF64", "PCM_16"))
    at = data.find(b"ds64") + 8
    for size in (b"\0" * 24, b"\xff" * 24):
        data[at : at + 24] = size
        assert near(read_audio(kept(tmp_path, bytes(data)), RATE))


@pytest.mark.parametrize("kind", [b"RF64", b"BW64"])
@pytest.mark.parametrize("share", [0.5, 1.0, 2.0])
def test_a_wav_of_64_bits_is_read_to_its_end_whatever_it_claims(tmp_path, kind, share):
    plain = wav(SWEEP, RATE, 0xFFFFFFFF)
    long = b"ds64" + struct.pack("<IQQQI", 28, 0, int(share * 2 * len(SWEEP)), 0, 0)
    got = read_recording(kept(tmp_path, kind + b"\xff" * 4 + b"WAVE" + long + plain[12:]), RATE)
    assert near(got.samples) and [note for note, _ in got.notes] == [CUT] * (share > 1)


@pytest.mark.parametrize(
    ("before", "behind"),
    [(b"LIST\x0a\0\0\0INFOabcdef", b""), (b"LIST\x09\0\0\0INFOabcde\0", b""), (b"", b"LIST\x0a\0\0\0INFOabcdef")],
)
def test_chunks_that_libsndfile_breaks_at_are_passed_over(tmp_path, before, behind):
    plain = wav(SWEEP, RATE, behind=behind)
    assert near(read_audio(kept(tmp_path, plain[:12] + before + plain[12:]), RATE))


def test_the_sound_of_a_wav_may_stand_before_its_format(tmp_path):
    plain = wav(SWEEP, RATE)
    assert near(read_audio(kept(tmp_path, plain[:12] + plain[36:] + plain[12:36]), RATE))


def test_of_wavs_joined_to_one_file_none_is_dropped_silently(tmp_path):
    with pytest.raises(AudioError, match="not readable"):
        read_audio(kept(tmp_path, 2 * wav(SWEEP, RATE)), RATE)


@pytest.mark.parametrize("kind", ["OGG", "FLAC", "MP3", "WAV"])
def test_a_tag_in_front_is_passed_over(tmp_path, kind):
    data = b"ID3\x03\0\0\0\0\0\x14" + bytes(20) + encoded(SWEEP, RATE, kind)
    assert near(read_audio(kept(tmp_path, data, f"x.{kind.lower()}"), RATE), off=0.1)


@pytest.mark.parametrize("bits", [8, 12, 16, 20, 24])
def test_flac_of_any_depth_that_its_frames_tell_is_read(tmp_path, bits):
    for data in (
        flac(SWEEP, RATE, bits),
        ogg_flac(SWEEP, RATE, bits),
        b"ID3\x04\0\0\0\0\0\x0a" + bytes(10) + flac(SWEEP, RATE, bits),
    ):
        got = read_recording(kept(tmp_path, data), RATE)
        assert near(got.samples, off=2.1 / 2**bits + 1e-5) and not got.notes


@pytest.mark.parametrize("bits", [9, 15, 23, 32])
def test_flac_that_no_reader_here_knows_says_how_to_convert_it(tmp_path, bits):
    path = kept(tmp_path, flac(SWEEP, RATE, bits), "x.flac")
    with pytest.raises(
        AudioError, match=r"convert it with ffmpeg: ffmpeg -i .*x\.flac -vn .*x_converted\.wav"
    ) as caught:
        read_audio(path, RATE)
    assert caught.value.reason == "must be converted"


def test_flac_is_read_to_its_end_whatever_it_claims(tmp_path):
    """Behind a last frame there may be a tag."""
    for claimed in (0, 100, len(SWEEP)):
        got = read_recording(kept(tmp_path, flac(SWEEP, RATE, 16, claimed) + b"TAG" + bytes(125)), RATE)
        assert near(got.samples) and not got.notes


def test_an_mp3_that_does_not_tell_its_length_is_read_to_its_end(tmp_path):
    """The first frame is of a high bit rate and most others of a low one, so that its size says nothing."""
    rng = np.random.default_rng(0)
    sound = np.concatenate([rng.normal(0, 0.2, RATE), 1e-3 * SWEEP, 1e-3 * SWEEP])
    soundfile.write(tmp_path / "told.mp3", sound, RATE, bitrate_mode="VARIABLE", compression_level=0.5)
    untold = (tmp_path / "told.mp3").read_bytes().replace(b"Xing", bytes(4), 1)
    for name, data in (("constant.mp3", flat_mp3(sound, RATE)), ("untold.mp3", untold), ("untold.song", untold)):
        got = read_recording(kept(tmp_path, data, name), RATE)
        assert len(got.samples) == pytest.approx(len(sound), abs=3000) and not got.notes


def test_the_real_mp3_of_forty_seconds_is_read_whole(shared):
    got = read_recording(shared / "faults" / "vbr_noxing_loud_first.mp3", RATE)
    assert len(got.samples) / RATE == pytest.approx(40, abs=0.1) and not got.notes


def test_longest_is_of_what_was_read_and_not_of_what_is_claimed(tmp_path):
    path = kept(tmp_path, encoded(SWEEP, RATE, "FLAC"))
    assert len(read_audio(path, RATE, SECONDS)) == len(SWEEP)
    for data, name in (
        (path.read_bytes(), "x.wav"),
        (flac(SWEEP, RATE, 16, 100), "x.flac"),
        (wav(SWEEP, RATE, 100), "y.wav"),
    ):
        with pytest.raises(AudioError, match=r"longer than 2\.9 s"):
            read_audio(kept(tmp_path, data, name), RATE, 2.9)


@pytest.mark.parametrize(("kind", "subtype"), [("MP3", None), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("FLAC", "PCM_16")])
@pytest.mark.parametrize("between", [b"", bytes(3000)])
def test_recordings_joined_to_one_file_are_read_one_behind_the_other(tmp_path, kind, subtype, between):
    one = encoded(SWEEP, RATE, kind, subtype)
    got = read_recording(kept(tmp_path, one + between + one, f"x.{kind.lower()}"), RATE)
    assert len(got.samples) == pytest.approx(2 * len(SWEEP), abs=4000) and not got.notes


@pytest.mark.parametrize(
    "data",
    [
        wav(SWEEP, RATE), encoded(SWEEP, RATE, "WAVEX", "FLOAT"), encoded(SWEEP, RATE, "RF64", "PCM_16"),
        encoded(SWEEP, RATE, "AIFF", "PCM_16"), encoded(SWEEP, RATE, "AU", "PCM_16"), encoded(SWEEP, RATE, "W64", "PCM_16"),
        encoded(SWEEP, RATE, "FLAC"), encoded(SWEEP, RATE, "MP3"), flat_mp3(SWEEP, RATE), ogg_flac(SWEEP, RATE),
        encoded(np.tile(SWEEP, 8), RATE, "OGG", "VORBIS"), encoded(SWEEP, RATE, "OGG", "OPUS"),
        encoded(SWEEP, RATE, "CAF", "PCM_24"), encoded(SWEEP, RATE, "CAF", "ULAW"),
    ],
)  # fmt: skip
def test_a_recording_cut_short_is_used_and_said_to_be(tmp_path, data):
    whole = read_recording(kept(tmp_path, data), RATE)
    part = read_recording(kept(tmp_path, data[: int(len(data) * 0.7) + 7]), RATE)
    assert 0.3 * len(whole.samples) < len(part.samples) < 0.8 * len(whole.samples)
    assert [note for note, _ in part.notes] == [CUT]
    assert not whole.notes


@pytest.mark.parametrize("kind", sorted(set(soundfile.available_formats()) - {"RAW"}))
@pytest.mark.parametrize("share", [1.0, 0.7, 0.5])
def test_no_kind_that_soundfile_reads_is_cut_short_without_a_word(tmp_path, kind, share):
    path = tmp_path / f"x.{kind.lower()}"
    soundfile.write(path, SWEEP, RATE, format=kind)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    try:
        got = read_recording(path, RATE)
    except AudioError as error:
        right = share < 1 and "cut short" in str(error) if kind in MEASURED else error.reason == "must be converted"
        assert right or (kind == "HTK" and share < 1), error  # of which libsndfile knows only whole files
    else:
        assert [note for note, _ in got.notes] == ([CUT] if share < 1 else [])


@pytest.mark.parametrize(
    "behind", [b"LYRICSBEGIN" + b"a" * 100 + b"TAG" + bytes(125), b"TAG" + bytes(125), bytes(5000)]
)
def test_what_lies_behind_an_mp3_changes_nothing_and_nothing_is_printed(tmp_path, capfd, behind):
    whole = encoded(SWEEP, RATE, "MP3")
    got = read_audio(kept(tmp_path, whole + behind, "x.mp3"), RATE)
    np.testing.assert_array_equal(got, read_audio(kept(tmp_path, whole, "y.mp3"), RATE))
    with pytest.raises(AudioError, match="no MPEG sound in it"):
        read_audio(kept(tmp_path, b"<html>404</html>" * 99, "z.mp3"), RATE)
    assert capfd.readouterr() == ("", "")


def test_a_page_that_is_named_mp3_is_said_to_hold_no_sound(tmp_path):
    with pytest.raises(AudioError, match="no MPEG sound"):
        read_recording(kept(tmp_path, b"<html>not here</html>" * 99, "x.mp3"), RATE)


def test_more_numbers_than_a_recording_can_have_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("kmidi_lab.audio.io._MOST_NUMBERS", 3 * len(SWEEP))
    with pytest.raises(AudioError, match="too many channels for its length"):
        read_audio(kept(tmp_path, encoded(np.tile(SWEEP[:, None], 4), RATE, "WAV")), RATE)


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("x.m4a", b"\0\0\0\x20ftypM4A \0\0\0\0", "MPEG-4"), ("x.mp4", b"\0\0\0\x18ftypisom", "MPEG-4"),
        ("x.mov", b"\0\0\0\x14ftypqt  ", "MPEG-4"), ("x", b"\0\0\0\x20ftypM4A \0\0\0\0", "MPEG-4"),
        ("x.wma", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9", "Windows Media"), ("x.aac", b"\xff\xf1\x50\x80\x02\x1f\xfc", "AAC"),
        ("x.mkv", b"\x1a\x45\xdf\xa3\x93\x42\x82\x88", "Matroska"), ("x.avi", b"RIFF\0\0\0\0AVI LIST", "AVI"),
        ("x.mpg", b"\0\0\x01\xba\x44\0\x04\0", "MPEG video"), ("x.ape", b"MAC \x96\x0f\0\0", "Monkey"), ("x.wv", b"wvpk\0\0\0\0", "WavPack"),
        ("x.wav", wav(SWEEP, RATE).replace(b"\x10\0\0\0\x01\0", b"\x10\0\0\0\xff\0"), "WAV of a kind"),
        ("x.wma", b"no header at all", "Windows Media"), ("x.amr", b"#!AMR\n", "AMR"), ("it's.m4a", b"\0\0\0\x20ftypM4A ", "MPEG-4"),
    ],
)  # fmt: skip
def test_what_must_be_converted_says_the_command(tmp_path, name, data, kind):
    path = kept(tmp_path, data, name)
    with pytest.raises(AudioError) as caught:
        read_audio(path, RATE)
    assert caught.value.reason == "must be converted" and kind in caught.value.detail
    assert "ffmpeg -i " in str(caught.value) and "_converted.wav" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_broken_wav_is_not_taken_for_one_of_another_kind(tmp_path):
    broken = wav(SWEEP, RATE)
    broken = broken[:12] + b"JUNK\x08\0\0\0abcdefgh" + broken[12:36]
    with pytest.raises(AudioError, match="not readable"):
        read_audio(kept(tmp_path, broken.ljust(200, b"\1")), RATE)


def test_midi_and_folders_are_named(tmp_path):
    for data in (b"MThd\0\0\0\x06", b"RIFF\0\0\0\0RMIDdata"):
        with pytest.raises(AudioError, match="a MIDI file, not a recording"):
            read_audio(kept(tmp_path, data), RATE)
    with pytest.raises(AudioError, match="a folder; name a recording"):
        read_audio(tmp_path, RATE)


def test_a_window_gives_what_the_whole_file_would(tmp_path, monkeypatch):
    monkeypatch.setattr(spliced, "_BLOCK", 64)
    monkeypatch.setattr(spliced, "_BACK", 8)
    rng = np.random.default_rng(0)
    data = rng.integers(0, 4, 2000, np.uint8).tobytes()
    with kept(tmp_path, data).open("rb") as file:
        window = spliced.Window(file, len(data))
        for _ in range(3000):
            begin, size = int(rng.integers(2100)), int(rng.integers(200))
            mark = rng.integers(0, 4, int(rng.integers(1, 6)), np.uint8).tobytes()
            assert window[begin : begin + size] == data[begin : begin + size]
            assert window.find(mark, begin) == data.find(mark, begin)
            assert window.find(mark, begin, begin + size) == data.find(mark, begin, begin + size)


@pytest.mark.parametrize("kind", ["mp3", "vbr", "ogg", "ogg flac"])
def test_of_a_long_file_a_block_is_in_memory(tmp_path, kind):
    """4 MiB, of which the sound is looked through; what soundfile keeps is its own."""
    if kind in ("mp3", "vbr"):
        one = flat_mp3(np.resize(SWEEP, 3 * 44_100), 44_100)
        data = one * (2**22 // len(one))
        data += one[: len(one) // 2] if kind == "vbr" else b""
    else:
        head = flac(SWEEP, RATE, 16) if kind == "ogg flac" else b"vorbis" * 20
        body = (b"\x7fFLAC\1\0\0\1" + head)[:250]
        page = lambda flags, content: (
            b"OggS\0"
            + bytes([flags])
            + bytes(20)
            + bytes([len(content) // 250])
            + b"\xfa" * (len(content) // 250)
            + content
        )
        data = page(2, body) + page(0, bytes(250 * 250)) * (2**22 // 62_500) + page(4, bytes(250))
    path = kept(tmp_path, data, "x.mp3" if kind in ("mp3", "vbr") else "x.ogg")
    tracemalloc.start()
    try:
        with path.open("rb") as file:
            assert list(containers.parts_of(file, path))
        assert tracemalloc.get_traced_memory()[1] < 2**21
    finally:
        tracemalloc.stop()
