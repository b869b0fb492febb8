"""The card's latency section, also for a run from before floors and deadlines were kept."""

from __future__ import annotations

from support.run_fixture import run_record

from kmidi_lab.contracts import HARMONY
from kmidi_lab.report.card import model_card


def _section(run) -> str:
    return model_card(run, HARMONY).split("## Latency", 1)[1].split("\n## ", 1)[0].replace("\u00a0", " ")


def test_budget_floor_and_blocks():
    text = _section(run_record())
    assert "one core reads as many bytes as the model has weights" in text
    assert "| 395.1 kB | 4.00 µs | 2.43× |" in text
    assert "### Audio blocks" in text and "| 64 samples | 0.9 % / " in text
    assert "onnxruntime\\_iobinding, one call in a block" in text


def test_an_older_run():
    run = run_record()
    for backend in run.export.latency.backends.values():
        backend.memory_floor, backend.deadlines = None, []
    text = _section(run)
    assert "9.73 µs" in text and "in budget" in text
    assert "reads each weight" not in text and "Audio blocks" not in text
