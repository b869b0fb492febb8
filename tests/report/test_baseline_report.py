"""docs/baseline_report.md: what the released runs and the registry say, and no older than they."""

from __future__ import annotations

from pathlib import Path

from support.sample_run import sample_run

from kmidi_lab.registry.registry import load_registry
from kmidi_lab.report.baseline_report import DOCUMENT, baseline_report
from kmidi_lab.report.results import RECORDS, RELEASE, read_run
from kmidi_lab.report.results_text import ordered
from kmidi_lab.run_scores import Statistic

REPO = Path(__file__).resolve().parents[2]


def test_the_page_is_that_of_the_runs() -> None:
    runs = ordered([read_run(path) for path in sorted((REPO / RECORDS).glob("*.json"))])
    page = baseline_report(runs, load_registry(REPO / RELEASE)["models"])
    assert (REPO / DOCUMENT).read_text("utf-8") == page, "type python -m kmidi_lab.report.results"


def test_model_baselines_cost_and_trend_stand_there() -> None:
    run = sample_run()
    assert run.training
    run.training.seconds, run.machine = 5400.0, {"usable_cores": 4}
    line = {"run_id": "x", "replaced_at": "2026-01-02T03", "reason": "beats a on test perplexity (9.000 against 9.5)"}
    page = baseline_report(
        [run], [{"id": run.identity.id, "history": [line, line, {"run_id": "y", "reason": "by hand"}]}]
    )
    page = page.replace("\u00a0", " ")
    assert "| `harmony` | test perplexity ↓ | 7.12 | 8.30 4-gram+cache | 14.2 % |" in page
    assert "| 1 h 30 min | 6 |" in page, "1.5 hours on four cores"
    assert "**harmony 7.12**, 4-gram+cache 8.30" in page
    assert page.count("| 2026-01-02 | test perplexity ↓ | 9.00 | 7.12 | 20.9 % |") == 1


def test_of_folds_the_means_stand_there() -> None:
    run = sample_run()
    assert run.spread and run.primary
    run.spread.folds, run.primary.value = [0, 1, 2], 5.0
    run.spread.baselines = {"test": {"4-gram+cache": {"perplexity": Statistic(9.0, 0.5)}}}
    line = {"run_id": "x", "replaced_at": "2026-01-02T03", "reason": "beats a on test perplexity (9.000 against 9.5)"}
    page = baseline_report([run], [{"id": run.identity.id, "history": [line]}]).replace("\u00a0", " ")
    assert "| test perplexity ↓ | 7.13 | 9.00 4-gram+cache | 20.7 % |" in page
    assert "| 2026-01-02 | test perplexity ↓ | 9.00 | 7.13 | – |" in page, "one fold's figure is no trend"
    assert "**harmony 7.13**, 4-gram+cache 9.00" in page


def test_without_a_history_it_is_the_first_release() -> None:
    assert "first release" in baseline_report([sample_run()], [])
