"""Players in reports: test items as sound, kept beside the run, held by the page, and what stands there without sound."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
from support.page import Page
from support.sample_run import sample_run
from torch import nn

from kmidi_lab import heard_items
from kmidi_lab.midi import sound
from kmidi_lab.report.html import without_sounds, write_report
from kmidi_lab.run_file import parse, text
from kmidi_lab.run_record import RunRecord
from kmidi_lab.scoring.heard import MOST, SECONDS, HeardItem, Sounding, by_chance, in_seconds


def strokes(late: float = 0.0, velocity: float = 90.0) -> Sounding:
    """A stroke a second for a minute."""
    at = np.arange(60.0) + late
    return Sounding(at, np.full(60, 0.2), np.full(60, 60), np.full(60, velocity))


def item(name: str, **versions: Sounding) -> HeardItem:
    return HeardItem(name, "src", versions or {"as written": strokes(), "the model": strokes(0.25)})


def kept(folder: Path, items: Any, record: RunRecord | None = None) -> RunRecord:
    record = record or sample_run()
    module: Any = SimpleNamespace(export_network=nn.Identity, head=dict)
    evaluator: Any = SimpleNamespace(heard=lambda call, head, data, split: items)
    heard_items.keep_heard(record, module, evaluator, None, folder)  # type: ignore[arg-type]
    return record


def onset(file: Path) -> float:
    """Seconds until the first sample at a tenth of the peak."""
    samples, rate = soundfile.read(file)
    loud = np.abs(samples)
    return float(np.argmax(loud > 0.1 * loud.max())) / rate


def test_items_are_kept_as_sound_of_some_seconds_in_which_late_is_late(tmp_path: Path) -> None:
    record = kept(tmp_path, [item("a")])
    [heard] = record.analysis.heard
    assert [(v.by, v.file) for v in heard.versions] == [
        ("as written", "heard/01-1.ogg"),
        ("the model", "heard/01-2.ogg"),
    ]
    written, late = (tmp_path / v.file for v in heard.versions)
    assert soundfile.info(written).duration == pytest.approx(SECONDS + 0.1, abs=0.05)
    assert onset(late) - onset(written) == pytest.approx(0.25, abs=0.03)
    assert parse(json.loads(text(record))).analysis == record.analysis, "what is kept is read again"


def test_a_report_holds_its_players_each_with_a_label(tmp_path: Path) -> None:
    record = kept(tmp_path, [item("<b>one"), item("two")])
    source = write_report(record, [], tmp_path / "report.html").read_text("utf-8")
    page = Page(source)
    players = re.findall(
        r'<audio controls [^>]*aria-label="([^"]+)" src="data:audio/ogg;base64,([^"]+)"></audio>', source
    )
    assert [label.replace("&lt;", "<").replace("&gt;", ">") for label, _ in players] == [
        "<b>one, as written", "<b>one, the model", "two, as written", "two, the model",
    ]  # fmt: skip
    assert "<b>one" not in source and "To listen to" in page.text and "drawn by chance" in page.text
    samples, _ = soundfile.read(io.BytesIO(base64.b64decode(players[0][1])))
    assert np.abs(samples).max() > 0.3
    assert not re.findall(r'src="(?!data:)', source)
    elsewhere = without_sounds(source)
    assert (
        "<audio" not in elsewhere
        and "audio/ogg" not in elsewhere
        and elsewhere.count("Its sound stays in the run's folder.") == len(players)
    )
    assert "<figcaption>the model</figcaption>" in elsewhere and elsewhere.endswith(source[-200:])
    (tmp_path / "heard" / "01-1.ogg").unlink()
    assert "Its sound is gone." in write_report(record, [], tmp_path / "report.html").read_text("utf-8")


def test_without_sound_the_report_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound, "find_spec", lambda name: None)
    sound._font.cache_clear()
    record = kept(tmp_path, [item("a")])
    sound._font.cache_clear()
    assert record.analysis.heard == [] and not (tmp_path / "heard").exists()
    page = Page(write_report(record, [], tmp_path / "report.html").read_text("utf-8"))
    assert (
        "Its test items can't be heard: no sound: midirenderer and pretty_midi not installed; type pip install"
        in page.text
    )
    assert "To listen to" not in page.text and "audio" not in page.tags


def test_a_sound_that_fails_costs_no_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    broken = Sounding(np.zeros(2), np.ones(1), np.ones(1, int), np.ones(1))
    assert kept(tmp_path, [item("a", model=broken)]).analysis.heard == []
    assert "could not be made heard" in caplog.text
    assert kept(tmp_path, ()).analysis.heard == []


@pytest.mark.slow
def test_a_report_stays_small(tmp_path: Path) -> None:
    """Four versions of the densest music that fits: less than a megabyte more."""
    rng = np.random.default_rng(0)
    dense = Sounding(
        np.sort(rng.uniform(0, SECONDS, 2000)), np.full(2000, 0.5), rng.integers(20, 100, 2000), np.full(2000, 100.0)
    )
    before = len(write_report(sample_run(), [], tmp_path / "report.html").read_bytes())
    versions = dict.fromkeys(("as written", "the player", "the model", "the rule"), dense)
    record = kept(tmp_path, [item(str(n), **versions) for n in range(MOST)])
    after = len(write_report(record, [], tmp_path / "report.html").read_bytes())
    assert 200_000 < after - before < 1_000_000


def test_items_are_drawn_by_chance_and_the_same_in_every_run() -> None:
    chosen = by_chance([20] * 50)
    assert len(chosen) == len(set(chosen)) == MOST and chosen == by_chance([20] * 50) != [0, 1]
    assert by_chance([3, 20, 5]) == [1] and by_chance([]) == []


def test_quarters_last_as_long_as_the_tempo_of_each_says() -> None:
    seconds = in_seconds(np.array([2.0, 3.0, 5.0]), np.array([60.0, 120.0, 90.0]))
    assert seconds == pytest.approx([0, 1, 2])
    assert len(in_seconds(np.zeros(0), np.zeros(0))) == 0
