"""A melody fills the bars of its chords, or goes on where a MIDI file's melody ends, in the metres that there are."""

from __future__ import annotations

import io
from pathlib import Path

import mido
import numpy as np
import pytest
from support.smf import END, meta, midi, name, note, tempo, track

from kmidi_lab.command_line import quote_free_text
from kmidi_lab.config import check
from kmidi_lab.contracts import MELODY
from kmidi_lab.errors import UserError
from kmidi_lab.inference.session import Session
from kmidi_lab.midi.reading import read_piece
from kmidi_lab.models.melody.continuation import read_tune
from kmidi_lab.models.melody.features import duration_class
from kmidi_lab.models.melody.finding import melody_of
from kmidi_lab.models.melody.metres import METRES
from kmidi_lab.models.melody.predict import MelodyOverChords
from kmidi_lab.models.melody.recall import NoteMemory
from kmidi_lab.models.melody.rhythm import compose, plain_bars
from kmidi_lab.models.melody.tune import Tune
from kmidi_lab.models.melody.writing import write


def asked(**wishes: object) -> Tune:
    return MelodyOverChords(**wishes).run(None, Session("melody", Path(), Path("nowhere"), seed=3))  # type: ignore[arg-type]


def quarters(tune: Tune) -> float:
    return float((tune.rhythm.onset + tune.rhythm.duration)[-1])


def song(metre: tuple[int, int] = (4, 2), title: str = "Mélodie", more: bytes = b"") -> bytes:
    """Four bars of a melody in G, its chords, which go on, and a track of words."""
    head = tempo(600_000) + meta(0x58, bytes([*metre, 24, 8])) + meta(0x59, b"\1\0")
    bar = int(1920 * metre[0] / 2 ** metre[1])
    count = bar // 240
    line = b"".join(note(67 + [0, 2, 4, 7][i % 4], 80 + i % 9, 240) for i in range(4 * count))
    chords = b"".join(note(43, 50, bar, channel=1) for _ in range(8))
    parts = [
        name(title) + b"\0\xc2\x49" + line.replace(b"\x90", b"\x92").replace(b"\x80", b"\x82"),
        name("Pad") + chords,
    ]
    return midi(*(track(events + END) for events in (head, *parts, meta(6, b"Verse") + more)))


@pytest.mark.parametrize("loop", ["C Am F G", "C | Am | F | G", "Dm7 G7", "C", "C Am F G C F"])
@pytest.mark.parametrize("length", [0, 1, 9, 32, 100])
def test_a_melody_ends_where_its_chords_end(loop: str, length: int) -> None:
    bars = len(loop.replace("|", " ").split())
    tune = asked(chords=loop, length=length)
    assert quarters(tune) % (4 * bars) == 0
    assert not length or len(tune.pitch) == length
    assert max(c[0] + c[1] for c in tune.chords) == quarters(tune)
    if not length:
        assert quarters(tune) == 4 * max(bars, 4 if bars <= 2 else bars)


def test_a_number_of_bars_is_filled_exactly() -> None:
    for metre in METRES.values():
        tune = asked(chords="C F", bars=5, metre=metre.name)
        assert quarters(tune) == 5 * metre.bar
        [signature] = [m for m in mido.MidiFile(file=io.BytesIO(tune.midi)).tracks[0] if m.type == "time_signature"]
        assert f"{signature.numerator}/{signature.denominator}" == metre.name
        assert [c[0] for c in tune.chords] == [n * metre.bar for n in range(5)]
    assert len(asked(bars=4, length=11).pitch) == 11
    assert len(asked().pitch) == 32


@pytest.mark.parametrize(("lowest", "heard"), [(24, 60), (36, 60), (62, 62), (91, 67), (103, 67)])
def test_a_model_hears_a_low_or_a_high_tune_in_the_register_that_it_knows(lowest: int, heard: int) -> None:
    """What goes on is moved back to where the tune lies."""
    line = b"".join(note(lowest + [0, 2, 4, 7, 11][i % 5], 80, 240) for i in range(32))
    request = MelodyOverChords(midi=midi(track(name("Melody") + line + END)), bars=4)
    assert request.primer is not None
    moved, up = request.primer.in_the_middle()
    assert moved.melody.pitch.min() == heard and up == heard - lowest
    new = request.run(None, Session("melody", Path(), Path("nowhere"), seed=3)).pitch
    assert lowest - 12 < new.min() and new.max() < lowest + 24


def test_a_melody_goes_on_at_the_next_bar_and_all_else_stays(tmp_path: Path) -> None:
    (tmp_path / "in.mid").write_bytes(song())
    tune = asked(midi=tmp_path / "in.mid", bars=4, chords="G D")
    before, after = read_piece(song()), read_piece(tune.midi)
    assert [t.name for t in after.tracks] == ["Mélodie", "Pad", "Chords"]
    old, new = before.tracks[0].notes, after.tracks[0].notes
    assert new[: len(old)].tolist() == old.tolist()
    assert new["start"][len(old)] == 4 * 1920 and abs(int(new["start"][-1] + new["duration"][-1]) - 8 * 1920) <= 10
    assert {t.channel for t in after.tracks[:1]} == {2} and after.tracks[0].program == 0x49
    assert after.tracks[2].channel not in (1, 2, 9) and after.tracks[2].notes["start"][0] == 4 * 1920
    assert after.tracks[1].notes.tolist() == before.tracks[1].notes.tolist()
    assert after.keys.tolist() == before.keys.tolist() and after.tempos.tolist() == before.tempos.tolist()
    files = [mido.MidiFile(file=io.BytesIO(data)) for data in (song(), tune.midi)]
    assert [list(t) for t in files[0].tracks[2:]] == [list(t) for t in files[1].tracks[2:-1]]
    assert tune.tempo == 100 and tune.primer is not None and tune.primer.bar == 4


def test_the_model_hears_the_tune_before_it_goes_on() -> None:
    heard: list[np.ndarray] = []
    primer = read_tune(song())
    primer.listen(lambda x: heard.append(x) or x, None, MELODY)
    assert len(heard) == len(primer.melody)
    rhythm = compose(plain_bars(), None, 0.0, np.random.default_rng(0), count=2)
    first: list[np.ndarray] = []

    def ask(x: np.ndarray) -> np.ndarray:
        first.append(x)
        return np.full(128, 1 / 128)

    written = write(ask, rhythm, [], primer.key, None, np.random.default_rng(0), 1.0, 0, 1.0, primer.metre, primer)
    assert first[0][:12].argmax() == primer.melody.pitch[-1] % 12
    memory = NoteMemory()
    memory.hear(primer.melody.pitch.tolist(), duration_class(primer.melody.duration).tolist())
    pitch, at = int(primer.melody.pitch[-1]), MELODY.input("recalled_pitch_class").index
    for i, (x, duration) in enumerate(zip(first, duration_class(rhythm.duration).tolist(), strict=True)):
        recalled, match = memory.recall(pitch, duration)
        assert x[at].max() == match / 8 == x[at][recalled % 12]
        pitch = int(written[i])
        memory.follow(pitch)


@pytest.mark.parametrize(
    ("metre", "bar"), [((3, 2), 3), ((2, 2), 2), ((6, 3), 3), ((2, 1), 4), ((5, 2), 5), ((7, 3), 3.5), ((12, 3), 6)]
)
def test_it_goes_on_in_the_files_metre(metre: tuple[int, int], bar: int) -> None:
    tune = asked(midi=song(metre), bars=3)
    assert tune.metre.bar == bar and quarters(tune) == 3 * bar
    assert tune.primer is not None and tune.primer.start == 4 * bar


def test_a_file_that_counts_beats_goes_on_in_four_quarters() -> None:
    in_beats = song().replace(bytes([0xFF, 0x58, 4, 4, 2]), bytes([0xFF, 0x58, 4, 1, 2]))
    tune = asked(midi=in_beats, bars=2)
    assert (tune.metre.name, quarters(tune)) == ("4/4", 8)
    assert asked(midi=song((5, 2)), metre="4/4").metre.name == "4/4"


def test_what_cannot_be_asked_is_one_line_that_says_what_to_type(tmp_path: Path) -> None:
    drums = tmp_path / "drums.mid"
    drums.write_bytes(midi(track(note(channel=9) + END)))
    for wishes, said in (
        ({"metre": "5/3"}, "write a metre such as 4/4"),
        ({"metre": "1/4"}, "with bars of 3/8 to 8/4"),
        ({"midi": drums}, r"drums\.mid: no melody"),
        ({"bars": 1, "length": 17}, "give more bars"),
        ({"bars": -1}, "predict.bars=-1 must be 0 to 500"),
        ({"midi": "gone.mid"}, "predict.midi=gone.mid: no such file; name a MIDI file"),
        ({"midi": "a" * 300 + ".mid"}, "aaa.mid: no such file"),
        ({"midi": "a.mid,b.mid"}, "name one MIDI file; several need -m and commas between"),
        ({"midi": midi(track(note(channel=9) + END))}, "no melody"),
    ):
        with pytest.raises(UserError, match=said) as caught:
            asked(**wishes)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "title", ["Mélodie", "メロディ", "主旋律", "Мелодия", "VOIX", "Voz principal", "Gesang", "ボーカル", "歌", "ソロ"]
)
def test_a_melody_is_known_by_its_name_in_many_languages(title: str) -> None:
    line = b"".join(note(40 + i % 3, 80) for i in range(16))  # low and monotonous: nothing else makes it the melody
    other = b"".join(note(70 + [0, 2, 4, 5, 7][i % 5], 80) for i in range(32))
    piece = read_piece(midi(track(name("x") + other + END), track(name(title) + line + END)))
    found = melody_of(piece)
    assert (found.how, found.track) == ("named", 1)
    backing = read_piece(midi(track(name("x") + other + END), track(name("Backing vocal") + line + END)))
    assert melody_of(backing).how == "role"


def test_numbers_of_the_command_line_are_numbers() -> None:
    given = ["predict.bars=4", "predict.length=9", "predict.metre=3/4"]
    [cfg] = check(["model=melody", "task=predict", *map(quote_free_text, given)], False)
    assert (cfg.predict.bars, cfg.predict.length, cfg.predict.metre) == (4, 9, "3/4")


def test_the_picture_counts_bars_as_the_file_and_explains_its_marks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from matplotlib import pyplot

    figures = []
    monkeypatch.setattr(pyplot, "close", figures.append)
    request = MelodyOverChords(midi=song(), bars=2)
    session = Session("melody", tmp_path, Path("nowhere"), seed=3)
    request.show(request.run(None, session), session)
    [figure] = figures
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["5", "6"]
    assert "a phrase begins" in [text.get_text() for text in figure.legends[0].get_texts()]
    assert "  bar  5  " in capsys.readouterr().out
