"""Test items as a table shows them: which are the worst, and what their pictures hold."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from torch import nn

from kmidi_lab import worst_items
from kmidi_lab.report.item_pictures import svg
from kmidi_lab.run_record import Identity, RunRecord
from kmidi_lab.scoring.items import MOST, Frames, Roll, ScoredItem, Text, pitch_roll, worst

RECT = "{http://www.w3.org/2000/svg}rect"


def roll(errors: list[float]) -> Roll:
    count = len(errors)
    return Roll(np.arange(count) * 1.0, np.ones(count), np.arange(count) % 3, np.array(errors), "abc", "bars")


def item(name: str, loss: float, picture: Any = None) -> ScoredItem:
    return ScoredItem(name, "src", loss, 4, picture or (lambda: roll([0.0, 1.0])))


def test_the_worst_come_first_and_what_is_no_number_is_left_out() -> None:
    items = [item("b", 1.0), item("a", 1.0), item("c", 3.0), item("d", float("nan")), item("e", float("inf"))]
    assert [i.name for i in worst(items)] == ["c", "a", "b"]
    assert len(worst([item(str(i), 1.0) for i in range(80)])) == MOST


def test_a_note_is_redder_the_greater_its_error_and_an_unknown_one_is_grey() -> None:
    rects = ElementTree.fromstring(svg(roll([0.0, 0.5, 1.0, np.nan]), "x")).iter(RECT)
    told = [(r.get("class"), float(r.get("fill-opacity", 0))) for r in rects]
    assert [kind for kind, _ in told] == ["n", "n", "n", "u"]
    shades = [shade for _, shade in told[:3]]
    assert shades == sorted(shades) and shades[-1] == 1.0 and shades[0] < 0.2


def test_long_pieces_names_of_others_and_empty_ones() -> None:
    source = svg(roll([1.0] * 1000), '<script>"')
    root = ElementTree.fromstring(source)
    assert root.get("aria-label") == '<script>"' and "<script>" not in source
    assert len(list(root.iter(RECT))) == 400 and "600 more left out" in source
    ElementTree.fromstring(svg(roll([]), "empty"))
    ElementTree.fromstring(svg(roll([0.0, 0.0]), "no error at all"))


def test_rows_are_pitches_between_the_lowest_and_the_highest() -> None:
    made = pitch_roll(np.array([60, 64, 61]), np.arange(3.0), np.ones(3), np.zeros(3), "s")
    assert list(made.rows) == ["C4", "C#4", "D4", "D#4", "E4"] and list(made.row) == [0, 4, 1]


def test_frames_are_a_picture_whatever_their_length() -> None:
    for length in (1, 50, 3000):
        source = svg(Frames(np.random.default_rng(0).normal(size=(length, 128)).astype(np.float16), 0.016), "clip")
        ElementTree.fromstring(source)
        assert "data:image/png;base64," in source and f"{length * 0.016:.2f} s" in source


def test_words_are_redder_the_more_they_do_and_run_on_over_lines() -> None:
    words = [f"<w{i}>" for i in range(60)]
    source = svg(Text(words, np.arange(60.0)), "s")
    rects = list(ElementTree.fromstring(source).iter(RECT))
    shades = [float(r.get("fill-opacity", -1)) for r in rects]
    assert len(rects) == 60 and shades == sorted(shades) and shades[0] == 0 and shades[-1] == 0.85
    assert len({r.get("y") for r in rects}) > 1 and all(
        float(r.get("x", 0)) + float(r.get("width", 0)) <= 640 for r in rects
    )
    ElementTree.fromstring(svg(Text([], np.zeros(0)), "no word"))


def _kept(folder: Path, items: Any) -> RunRecord:
    record = RunRecord(Identity())
    module: Any = SimpleNamespace(export_network=nn.Identity, head=dict)
    evaluator: Any = SimpleNamespace(items=lambda call, head, data, split: items)
    worst_items.keep_worst(record, module, evaluator, None, folder)  # type: ignore[arg-type]
    return record


def test_they_are_kept_beside_the_run(tmp_path: Path) -> None:
    record = _kept(tmp_path, [item("a", 1.0), item("b", 2.0)])
    assert [(i.name, i.loss, i.figure) for i in record.analysis.worst] == [
        ("b", 2, "worst/01.svg"),
        ("a", 1, "worst/02.svg"),
    ]
    assert (tmp_path / "worst" / "02.svg").read_text().startswith("<svg")
    assert not any(i.quoted for i in record.analysis.worst)
    [text] = _kept(tmp_path, [item("t", 1.0, lambda: Text(["a"], np.ones(1)))]).analysis.worst
    assert text.quoted


def test_a_picture_that_fails_costs_no_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert _kept(tmp_path, [item("a", 1.0, lambda: 1 / 0)]).analysis.worst == []
    assert "could not be kept" in caplog.text
    assert _kept(tmp_path, ()).analysis.worst == []
