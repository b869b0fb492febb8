"""The ABC reader by hand, and beside music21 on real tunes."""

from __future__ import annotations

import contextlib
import time
from importlib import import_module
from pathlib import Path

import pytest

from datamodules.melody import tune_books
from datamodules.melody.abc import read_tune, tunes
from datamodules.melody.abc_fields import AbcError, key_of
from datamodules.melody.tune_books import title_key
from kmidi_lab.chords.chord import Key
from kmidi_lab.models.melody.features import Melody


def read(body: str, metre: str = "4/4", unit: str = "1/8", key: str = "G") -> Melody:
    return read_tune({"M": metre, "L": unit, "K": key, "T": "x"}, body, "x", "aird")


def notes(m: Melody) -> list[tuple[int, float]]:
    return list(zip(m.pitch.tolist(), m.duration.tolist(), strict=True))


def test_pitches_lengths_key_signature_and_accidentals() -> None:
    found = notes(read("F2 f' C,/ ^G=F | F G/2 _B3/2 |"))
    assert found == [
        (66, 1.0), (90, 0.5), (48, 0.25), (68, 0.5), (65, 0.5), (66, 0.5), (67, 0.25), (70, 0.75),
    ]  # fmt: skip


def test_an_accidental_holds_to_the_bar_line_in_all_octaves() -> None:
    assert [p for p, _ in notes(read("_B B b | B"))] == [70, 70, 82, 71]


def test_broken_rhythm_tuplets_and_ties() -> None:
    assert [d for _, d in notes(read("G>A B<c d>>e"))] == [0.75, 0.25, 0.25, 0.75, 0.875, 0.125]
    assert [d for _, d in notes(read("(3GAB c2 (3:2:2G2A"))] == pytest.approx([1 / 3] * 3 + [1, 2 / 3, 1 / 3])
    assert notes(read("G2-G2 A2-B2")) == [(67, 2.0), (69, 1.0), (71, 1.0)]
    assert notes(read("g-g>e", "6/8")) == [(79, 1.25), (76, 0.25)]


def test_what_is_no_melody_is_left_out() -> None:
    found = read('"Am"!trill!{ab}G2 ~A2 [GBd]2 z2 | B4')
    assert notes(found) == [(67, 1.0), (69, 1.0), (74, 1.0), (71, 2.0)]
    assert found.rest.tolist() == [False, False, False, True]


def test_upbeats_bars_and_phrases() -> None:
    found = read("GA | B2c2d2e2 | g6 :: GA | B8 |]")
    assert found.position.tolist() == [3, 3.5, 0, 1, 2, 3, 0, 3, 3.5, 0]
    assert found.phrase.tolist() == [True, *[False] * 6, True, False, False]


@pytest.mark.parametrize(
    ("text", "key", "signature"),
    [
        ("G", Key(7, 1), {"F": 1}),
        ("Am", Key(9, -1), {}),
        ("D dor", Key(2, -1), {}),
        ("Bb", Key(10, 1), {"B": -1, "E": -1}),
        ("F# minor", Key(6, -1), {"F": 1, "C": 1, "G": 1}),
        ("Amix", Key(9, 1), {"F": 1, "C": 1}),
        ("D =c", Key(2, 1), {"F": 1, "C": 0}),
    ],
)
def test_keys(text: str, key: Key, signature: dict[str, int]) -> None:
    found, accidentals, _ = key_of(text)
    assert (found, accidentals) == (key, signature)


def test_mode_is_heard_where_the_header_names_none() -> None:
    assert read("G2_B2 d2 G2|", key="G").key == Key(7, -1)
    assert read("G2_B2 d2 G2|", key="Gmaj").key == Key(7, 1)


def test_unreadable_tunes_are_errors() -> None:
    with pytest.raises(AbcError, match="key not readable"):
        read("G", key="?")
    with pytest.raises(AbcError, match="sixteen bars"):
        read("G999")


def test_marks_of_mail_are_taken_out() -> None:
    assert tune_books.without_mail_marks("a=3DB c2 |=20\nzd(^cd) =\n(E)\n") == "a=B c2 |\nzd(^cd) (E)\n"
    assert tune_books.without_mail_marks("=c=\n") == "=c=\n"


@pytest.mark.slow
def test_it_reads_what_music21_reads_in_twenty_tunes(monkeypatch: pytest.MonkeyPatch, repo: Path) -> None:
    monkeypatch.syspath_prepend(str(repo / "benchmarks"))
    benchmark = import_module("abc_tunes")
    for _, text in benchmark.sample(5, seed=6):
        mine, theirs = benchmark.ours(text), benchmark.music21s(text)
        assert [p for p, _ in mine] == [p for p, _ in theirs], text
        assert [d for _, d in mine] == pytest.approx([d for _, d in theirs], abs=1e-3), text
        assert benchmark.alike(mine, theirs) and not benchmark.alike(mine, theirs[:-1])
    assert not benchmark.alike([(60, 1.0)], [(60, 0.5)])


HEAD = "X:1\nT:a\nM:4/4\nL:1/8\nK:C\n"
HOSTILE = {
    "5,000 endings": HEAD + "|:" + "CDEF|" * 1000 + "".join(f"[{i} CDEF:|" for i in range(5000)),
    "a million bars": HEAD + "CDEF|" * 1_000_000,
    "braces that never close": HEAD + "{" * 60_000,
    "brackets that never close": HEAD + "[K:" * 40_000,
    "stacks that never close": HEAD + "[C" * 50_000,
    "one long stack": HEAD + "[" + "C" * 150_000,
    "a length of 5,000 digits": HEAD + "C" + "9" * 5000,
    "a unit of 5,000 digits": HEAD.replace("L:1/8", "L:1/" + "9" * 5000) + "C",
    "slashes": HEAD + "C" + "/" * 5000 + "D",
    "broken rhythm without end": HEAD + "C" + ">" * 50_000 + "D",
    "ties without end": HEAD + "C8-" * 60_000,
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_tune_is_read_or_refused_in_no_time(case: str) -> None:
    began = time.process_time()
    for fields, body in tunes(HOSTILE[case]):
        with contextlib.suppress(AbcError):
            assert len(read_tune(fields, body, "x", "s")) <= 10_000
    assert time.process_time() - began < 5


def test_a_hostile_title_is_compared_in_no_time() -> None:
    began = time.process_time()
    title_key("(" * 100_000)
    assert time.process_time() - began < 1
