"""docs/RESULTS.md and the README's table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.sample_run import sample_json, sample_run

from kmidi_lab.contracts import CONTRACTS
from kmidi_lab.report.results import main, readme_with
from kmidi_lab.report.results_text import readme_table, results_markdown
from kmidi_lab.run_export import Timing
from kmidi_lab.run_file import read
from kmidi_lab.run_scores import Statistic, Student

_BETWEEN = "<!-- results:start -->\nold\n<!-- results:end -->\n<!-- licences:start -->\nold\n<!-- licences:end -->"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "README.md").write_text(f"# Lab\n\n{_BETWEEN}\n\nafter\n")
    (tmp_path / "run.json").write_text(json.dumps(sample_json()))
    return tmp_path


def test_results_hold_every_number_that_counts() -> None:
    text = results_markdown([sample_run()]).replace("\u00a0", " ")
    assert "(active_learning.md#does-asking-well-save-labels)" in text and "(retraining.md#does-it-help)" in text
    assert "| harmony | **7.12** | 0.524 |" in text
    assert "| mean ± std, 3 seeds | 7.13 ± 0.05 | 0.523 ± 0.002 | – |" in text
    for baseline in ("majority", "circle\\_of\\_fifths", "bigram", "4-gram", "4-gram+cache"):
        assert f"\n| {baseline} |" in text
    for split in sample_run().scores.metrics:
        assert f"### {split}, " in text
    assert "| onnxruntime | 9.73 µs | 13.8 µs | 17.8 µs |" in text
    assert "rtneural was not measured: RTNEURAL\\_RUNNER is not set." in text
    assert "| onnx | 1.2e−06 | yes |" in text
    assert "Licence: MIT; CC BY 4.0." in text
    assert f"```sh\n{sample_run().identity.command}\n```" in text


def test_readme_table_has_a_line_a_model_and_names_the_missing() -> None:
    text = readme_table([sample_run()]).replace("\u00a0", " ")
    assert "| `harmony` | perplexity ↓ **7.12** | 7.13 ± 0.05 (3 seeds) | 8.30 (4-gram+cache) | 98,765 |" in text
    assert "6.61 µs, 12.4 µs (onnxruntime\\_iobinding)" in text
    assert "No release run yet: " + ", ".join(f"`{m}`" for m in CONTRACTS if m != "harmony") + "." in text
    assert readme_table([]).startswith("\nNo release run yet: `harmony`")


def test_a_student_s_latency_and_one_fold_s_baseline_do_not_stand_for_the_model() -> None:
    run = sample_run()
    run.export.latency.backends["rtneural"] = Timing(1.0, 2.0)
    assert "1.00 µs, 2.00 µs (rtneural)" in readme_table([run]).replace("\u00a0", " ")
    run.student = Student("GRU", 9000, 3, 2, 0.05, "KL divergence, nats")
    run.spread.baselines = {"test": {"4-gram+cache": {"perplexity": Statistic(9.0, 0.5)}}}
    text = readme_table([run]).replace("\u00a0", " ")
    assert "6.61 µs, 12.4 µs (onnxruntime\\_iobinding)" in text and "rtneural" not in text
    assert "| 9.00 ± 0.50 (4-gram+cache) |" in text
    # Nor does one fold's own score, whoever is in it.
    run.spread.folds = [0, 1, 2]
    text = readme_table([run]).replace("\u00a0", " ")
    assert "perplexity ↓ **7.13** | 7.13 ± 0.05 (3 folds x 3 seeds; the file's own test 7.12) |" in text


def test_without_export_spread_or_a_win() -> None:
    run = sample_run()
    run.export = run.spread = None
    run.primary.beats_baselines = False
    run.data.stand_in = "made by hand | really"
    assert "| `harmony` | perplexity ↓ 7.12 | one seed |" in readme_table([run])
    text = results_markdown([run])
    assert "Not measured." in text and "nothing was compared" in text
    assert "**Stand-in data.** made by hand \\| really" in text


def test_main_keeps_the_run_and_is_stable(root: Path) -> None:
    assert main(["run.json"]) == 0
    assert read(root / "docs/results/harmony.json") == sample_run()
    first = (root / "README.md").read_text(), (root / "docs/RESULTS.md").read_text()
    assert "old" not in first[0] and first[0].startswith("# Lab\n") and first[0].endswith("\n\nafter\n")
    assert main([]) == 0 and main(["docs/results/harmony.json"]) == 0
    assert ((root / "README.md").read_text(), (root / "docs/RESULTS.md").read_text()) == first


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"identity": {"status": "failed", "error": "out of memory"}}, "the run failed (out of memory)"),
        ({"identity": {"status": "running", "model": "harmony"}}, "the run has not finished"),
        ({"scores": None}, "the run has no primary"),
        ({"schema": 3}, "its schema is 3, this kmidi_lab reads 1 and 2"),
        ({"identity": {**sample_json()["identity"], "model": "harmoni"}}, "Did you mean 'harmony'?"),
        ({"data": {"id": 3}}, "data.id is 3, not str"),
        ({"extra": 1}, "extra is no key of a run"),
    ],
)
def test_unfit_runs_are_refused(
    root: Path, capsys: pytest.CaptureFixture[str], change: dict[str, object], words: str
) -> None:
    (root / "run.json").write_text(json.dumps({**sample_json(), **change}))
    assert main(["run.json"]) == 2
    assert words in capsys.readouterr().err
    assert not (root / "docs").exists()


def test_other_errors_are_one_line(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "half.json").write_text('{"schema": 1,')
    for name, words in (("none.json", "no such file"), ("half.json", "not a run.json")):
        assert main([name]) == 2
        assert words in capsys.readouterr().err
    (root / "README.md").write_text("# Lab\n")
    assert main([]) == 2
    assert "<!-- results:start -->" in capsys.readouterr().err


def test_readme_keeps_what_is_around_the_markers() -> None:
    assert (
        readme_with("t", "T\n", "a\n<!-- t:start -->x<!-- t:end -->\nb")
        == "a\n<!-- t:start -->\n\nT\n\n<!-- t:end -->\nb"
    )
