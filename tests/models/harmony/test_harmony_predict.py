"""What task=predict says of chords: as they were typed, in the key's spelling, and where the key comes from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kmidi_lab.chords.chart import read_chart
from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.inference.session import Session
from kmidi_lab.models.harmony.predict import Continuations, NextChords


def told(request: NextChords, folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[list[str], dict[str, object]]:
    session = Session("harmony", folder, folder)
    request.show(request.run(None, session), session)
    return capsys.readouterr().out.splitlines(), json.loads((folder / "next_chords.json").read_text())


def test_chords_are_echoed_as_they_were_typed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines, record = told(NextChords("Cmaj9 | Dm7b5 G13b9 | %", key="C"), tmp_path, capsys)
    assert lines[0] == "After Cmaj9 | Dm7b5 G13b9 | Dm7b5 G13b9 in C major:"
    assert record["chords"] == ["Cmaj9", "Dm7b5", "G13b9", "Dm7b5", "G13b9"]
    assert (record["key"], record["key_from"], record["key_sure"]) == ("C major", "given", True)
    lines, _ = told(NextChords("F#m7 B7", key="E"), tmp_path, capsys)
    assert lines[0] == "After F#m7 B7 in E major:"
    assert not any("Gb" in line or "Db" in line for line in lines)


def test_a_key_that_was_not_given_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines, record = told(NextChords("Am F C G"), tmp_path, capsys)
    assert lines[0].startswith("Key: C major (unsure: C major ") and "A minor" in lines[0]
    assert (record["key_from"], record["key_sure"], len(record["likely_keys"])) == ("estimated", False, 2)
    lines, record = told(NextChords(), tmp_path, capsys)
    assert lines[0].startswith("Key: C major (assumed; ")
    assert lines[1] == "To begin with, in C major:"
    assert record["key_from"] == "assumed"


def test_answers_are_spelled_by_the_key_and_name_half_diminished_chords() -> None:
    request = NextChords("Am E7", key="Am", top=96)
    names = [c.chord for c in request.answer(None)]
    assert len(set(names)) == 96
    assert {"G#dim7", "Bm7b5", "E7", "F#m7b5"} <= set(names)
    assert not {"Abdim7", "Bdim7"} & set(names)
    assert {parse_jazz(n).label for n in names} == {(root, quality) for root in range(12) for quality in range(8)}


def test_numerals_harte_and_names_ask_the_same() -> None:
    asked = [NextChords(text, key="C").chart.events for text in ("ii7 | V7", "D:min7 | G:7", "Dm7 | G7", "D-7 | g7")]
    assert all(events == asked[0] for events in asked)
    assert read_chart("ii7 V7", "F").events[0].chord == parse_jazz("Gm7")


def test_the_page_lists_no_chord_of_0_percent() -> None:
    answer = Continuations([("Cmaj7", 0.98), ("Am7", 0.006), ("F", 0.0049)], "C major, given")
    assert NextChords.rows(answer) == [
        ("key", "C major, given"),
        ("Cmaj7", "98% likely to come next"),
        ("Am7", "1% likely to come next"),
    ]
