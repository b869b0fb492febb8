"""Latency in the HTML report, the card's tables and the bench picture, also for runs from before floors were kept."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from support.page import Page
from support.sample_run import sample_curves, sample_json, sample_run

from kmidi_lab.export.bench.timing import deadlines
from kmidi_lab.report.bench import DPI, HEAD_IN, ROW_IN, WIDTH_IN, jitter_png
from kmidi_lab.report.html import write_report
from kmidi_lab.report.latency_view import latency
from kmidi_lab.run_export import Deadline, MemoryFloor
from kmidi_lab.run_record import RunRecord


def page(run: RunRecord, folder: Path) -> Page:
    return Page(write_report(run, sample_curves(), folder / "report.html").read_text("utf-8"))


def old_run() -> RunRecord:
    run = sample_run()
    for backend in run.export.latency.backends.values():
        backend.memory_floor, backend.deadlines = None, []
    return run


def test_the_table_stands_against_budget_and_floor(tmp_path):
    [table] = [t for t in page(sample_run(), tmp_path).tables if t[0][0] == "backend"]
    row = dict(zip(table[0], next(r for r in table if r[0] == "onnxruntime"), strict=True))
    assert (row["p99 / budget"], row["in budget"]) == ("0.6 %", "yes")
    assert (row["weights"], row["memory floor"], row["median / floor"]) == ("395.1 kB", "4.00 µs", "2.43×")


def test_version_and_flags_stand_below_the_table(tmp_path):
    read = page(sample_run(), tmp_path)
    [table] = [t for t in read.tables if t[0][0] == "backend"]
    assert table[0][-1] == "median / floor" and {len(row) for row in table} == {11}
    assert "onnxruntime_iobinding1.32.0 IOBinding" in read.text


def test_the_deadlines_are_those_of_the_best_backend(tmp_path):
    read = page(sample_run(), tmp_path)
    [table] = [t for t in read.tables if t[0][0] == "block"]
    assert table[0] == ["block", "44.1 kHz", "48 kHz", "96 kHz"]
    assert [row[0] for row in table[1:]] == [f"{n} samples" for n in (64, 128, 256, 512)]
    assert "onnxruntime_iobinding, one call in a block" in read.text
    # p99 12.4 µs of 1333.3 µs.
    assert table[1][2].startswith("0.9 % / ")


def test_rtneural_goes_before_a_faster_onnx():
    run = sample_run()
    backends = run.export.latency.backends
    blocks = [Deadline(**told) for told in deadlines(800.0, 4000.0)]
    backends["rtneural"] = replace(backends["torch"], p99_us=800.0, deadlines=blocks)
    grid = latency(run)
    assert grid.deadlines_note.startswith("rtneural,")
    cells = [cell.replace("\u00a0", " ") for cell in grid.deadlines.rows[0][1:]]
    assert cells == ["55.1 % / 275.6 %, slowest LATE", "60.0 % / 300.0 %, slowest LATE", "120.0 % / 600.0 %, LATE"]
    assert "LATE" not in grid.deadlines.rows[3][1]
    # A slow build is no stand-in for RTNeural.
    backends["rtneural_stl"] = backends.pop("rtneural")
    assert latency(run).deadlines_note.startswith("onnxruntime_iobinding,")


def test_a_floor_too_short_for_the_clock_is_said():
    run = sample_run()
    backend = run.export.latency.backends["torch"]
    backend.memory_floor = MemoryFloor(2048, None, None, None)
    row = latency(run).rows[0]
    assert row[8:11] == ("2.0\u00a0kB", "below the clock", "–")


def test_a_run_from_before_still_renders(tmp_path):
    read = page(old_run(), tmp_path)
    [table] = [t for t in read.tables if t[0][0] == "backend"]
    row = dict(zip(table[0], table[1], strict=True))
    assert row["median"] == "41.2 µs"
    assert [row[name] for name in ("weights", "memory floor", "median / floor")] == ["–"] * 3
    assert not [t for t in read.tables if t[0][0] == "block"]
    assert "Audio blocks" not in read.text and "reads each weight" not in read.text


def test_the_note_says_what_the_floor_is(tmp_path):
    assert "one core reads as many bytes as the model has weights" in page(sample_run(), tmp_path).text


@pytest.mark.parametrize("count", [1, 4])
def test_the_picture_has_a_row_for_each_model(count):
    from PIL import Image

    timed = sample_json()["export"]["latency"]
    picture = jitter_png({f"model {n}": timed for n in range(count)})
    with Image.open(io.BytesIO(picture)) as image:
        image.load()
        assert image.format == "PNG"
        assert image.size == (round(WIDTH_IN * DPI), round((HEAD_IN + ROW_IN * count) * DPI))
        colours = {colour for _, colour in image.convert("RGB").getcolors(1 << 24)}
    # Of torch, IOBinding and run(): the colours are drawn, not only listed.
    assert {(0xCC, 0x79, 0xA7), (0x00, 0x9E, 0x73), (0xE6, 0x9F, 0x00)} <= colours
