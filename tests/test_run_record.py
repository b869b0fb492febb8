"""The record of a run: written and read again, read from an earlier release, and kept by a run that fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.sample_run import sample_json, sample_run

from kmidi_lab.errors import DataError
from kmidi_lab.report.scores import score_tables
from kmidi_lab.run_file import read, write, write_failure
from kmidi_lab.run_record import Identity

KEPT = sorted(Path("docs/results").glob("*.json"))


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    write(sample_run(), tmp_path)
    assert read(tmp_path / "run.json") == sample_run()


AIMED = ("coverage 80", "coverage 50", "spread ratio")
"""Neither less nor more is better: they should be .8, .5 and 1. How far they are off stands beside, with an arrow."""


@pytest.mark.parametrize("path", KEPT, ids=lambda p: p.stem)
def test_every_metric_of_the_released_runs_has_its_arrow(path: Path) -> None:
    run = read(path)
    for table in score_tables(str(run.identity.model), run.scores, run.spread):
        named = [*table.headings, *(name for name, _ in table.alone)]
        assert [name for name in named if name[-1] not in "↓↑" and name not in AIMED] == []


def test_a_run_of_the_first_release_keeps_its_notes() -> None:
    run = read(Path("tests/fixtures/run_of_0_1_0/run.json"))
    assert run.scores and run.scores.metrics["test"]["perplexity"] == pytest.approx(35.571885823073046)
    assert run.training and run.training.seconds and run.export and run.export.latency.backends
    assert [note.title for note in run.analysis.notes] == ["Does knowing the emotion help?"]


def test_a_failed_run_keeps_what_it_has(tmp_path: Path) -> None:
    write_failure(tmp_path / "a", Identity(run_id="a"), "no data\nat all")
    assert (read(tmp_path / "a/run.json").identity.status, read(tmp_path / "a/run.json").identity.error) == (
        "failed",
        "no data",
    )
    begun = sample_run()
    begun.identity.status = "running"
    write(begun, tmp_path)
    write_failure(tmp_path, Identity(run_id="other"), "stopped")
    run = read(tmp_path / "run.json")
    assert (run.identity.run_id, run.identity.error) == (sample_run().identity.run_id, "stopped")
    assert run.data == sample_run().data


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"network": {}}, "network.params is missing"),
        ({"network": {"params": "many"}}, "network.params is 'many', not int"),
        ({"soul": 1}, "soul is no key"),
        ({"schema": 9}, "update kmidi_lab"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, change: dict, words: str) -> None:
    (tmp_path / "run.json").write_text(json.dumps({**sample_json(), **change}))
    with pytest.raises(DataError, match=words):
        read(tmp_path / "run.json")


def test_a_run_that_ended_well_is_not_lost_by_what_fails_after_it(tmp_path: Path) -> None:
    done = sample_run()
    done.identity.status = "ok"
    write(done, tmp_path)
    write_failure(tmp_path, Identity(run_id="a"), "report.html: can't be written")
    assert read(tmp_path / "run.json") == done
