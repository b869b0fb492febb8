"""The HTML report: complete, self-contained, escaped, and never broken by what a run lacks."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import pytest
from support.browser import browsing, needs_browser
from support.page import Page
from support.sample_run import sample_curves, sample_run
from support.undrawn import drawn

from kmidi_lab.report.formats import decimals, fixed
from kmidi_lab.report.html import write_report
from kmidi_lab.report.verdict import verdict
from kmidi_lab.run_analysis import Note, WorstItem
from kmidi_lab.run_export import Latency
from kmidi_lab.run_record import Identity, RunRecord
from kmidi_lab.run_scores import Scores


def _source(run: RunRecord, folder: Path, curves: list[dict[str, float]] | None = None) -> str:
    return write_report(run, sample_curves() if curves is None else curves, folder / "report.html").read_text("utf-8")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    with drawn():
        return _source(sample_run(), tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def page(source: str) -> Page:
    return Page(source)


@pytest.mark.slow
def test_every_metric_and_baseline_stands_in_its_place(page: Page) -> None:
    run = sample_run()
    tables = [table for table in page.tables if table[0][0] == ""]
    assert len(tables) == len(run.scores.metrics)
    for (split, own), table in zip(run.scores.metrics.items(), tables, strict=True):
        heads = [head.rstrip("↓↑ ").replace(" ", "_") for head in table[0]]
        rows = {row[0]: dict(zip(heads, row, strict=True)) for row in table[1:]}
        rivals = run.scores.baselines[split]
        for name, scores in {"harmony": own, **rivals}.items():
            for metric in ("perplexity", "top1", "top3", "nll", "ece", "root_top1"):
                places = decimals([own[metric], *(s[metric] for s in rivals.values())])
                assert rows[name][metric] == fixed(scores[metric], places), (split, name, metric)
    for alone in ("0.594", "0.688", "0.571", "0.842"):
        assert alone in page.text
    assert "14,511 events" in page.text


@pytest.mark.slow
def test_the_worst_test_items_stand_there_with_their_pictures_which_can_run_nothing(tmp_path: Path) -> None:
    run = sample_run()
    names = ("<b>Giant", "Steps", "elsewhere")
    figures = ("worst/01.svg", None, "../02.svg")
    run.analysis.worst = [WorstItem(n, "jazz", 3.5, 12, figure=f) for n, f in zip(names, figures, strict=True)]
    (tmp_path / "report" / "worst").mkdir(parents=True)
    for path in ("report/worst/01.svg", "02.svg"):
        (tmp_path / path).write_text("<svg><script>alert(1)</script></svg>")
    source = _source(run, tmp_path / "report")
    assert "<b>Giant" not in source and "alert(1)" not in source
    page = Page(source)
    assert [row[:4] for row in page.rows if "jazz" in row] == [[n, "jazz", "3.5", "12"] for n in names]
    assert source.count("data:image/svg+xml;base64,") == 1


def test_best_is_bold_and_spread_is_shown(page: Page) -> None:
    assert {"7.12", "0.540", "0.734", "0.004"} <= set(page.bold)
    assert not {"8.30", "0.524"} & set(page.bold)
    assert "7.13 ± 0.05" in page.text and "0.523 ± 0.002" in page.text


def test_verdict_says_wins_and_losses(page: Page) -> None:
    assert "Beats every baseline on perplexity, but not on top1" in page.text
    assert "test perplexity 7.12 against 8.30 for 4-gram+cache: better by 1.18 (14.2 %)." in page.text
    assert "test top1 0.524 against 0.540 for 4-gram+cache: worse by 0.016 (3.0 %)." in page.text
    assert "test/music21_corpus perplexity 9.64 against 9.59 for 4-gram+cache: worse by 0.05 (0.6 %)." in page.text
    assert "ahead of every baseline on 2 of 3 other splits" in page.text


def test_an_unfair_comparison_is_no_win() -> None:
    run = sample_run()
    run.primary.not_comparable = "the baselines saw less"
    told = verdict(run)
    assert (told.kind, told.headline, told.details[0]) == ("none", "No fair comparison", "the baselines saw less.")


@pytest.mark.parametrize(
    "fact",
    [
        "12.4 µs",
        "96.4 µs",
        "rtneural was not measured: RTNEURAL_RUNNER is not set.",
        "1.2e−06",
        "not checked here",
        "MIT; CC BY 4.0",
        "92,410",
        "per piece; see the music21 corpus",
        "unreadable chord symbol",
        "with uncommitted changes",
        "AMD EPYC 9254",
        "1 min 33 s",
        "−0.162 to −0.057",
        "fell back to cpu",
        "No composed config lies beside this report.",
    ],
)
def test_facts_are_there(page: Page, fact: str) -> None:
    assert fact in page.text


def test_reads_offline_without_scripts(source: str, page: Page) -> None:
    assert "script" not in page.tags and "link" not in page.tags and "img" not in page.tags
    names = {"href", "src", "xlink:href"}
    assert all((value or "").startswith("#") for name, value in page.attributes if name in names)
    assert "@import" not in source and not re.search(r"url\((?!#)", source)
    assert "prefers-color-scheme: dark" in source


def test_figures_have_names_and_their_own_ids(page: Page) -> None:
    assert page.tags.count("svg") == 2 + 2 + 2 + 1 + 1
    assert sum(name == "aria-label" for name, _ in page.attributes) == page.tags.count("svg") + 1
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))


@pytest.mark.slow
@pytest.mark.usefixtures("drawn")
def test_same_run_gives_the_same_bytes(source: str, tmp_path: Path) -> None:
    assert _source(sample_run(), tmp_path) == source


@pytest.mark.slow
@pytest.mark.usefixtures("drawn")
def test_all_text_is_escaped(tmp_path: Path) -> None:
    evil = '"><script>alert(1)</script>'
    run = sample_run()
    run.identity.command += evil
    run.data.stand_in = run.data.licence = run.data.sources[0]["name"] = evil
    run.data.problems = {evil: 1}
    run.identity.model = evil
    run.scores.baselines["test"][evil] = run.scores.baselines["test"]["4-gram"]
    run.analysis.confusions["root"].labels[0] = evil
    run.export.latency.backends[evil] = run.export.latency.backends.pop("torch")
    run.export.latency.not_measured = {evil: evil}
    run.machine["cpu"] = evil
    curves = [*sample_curves(), {"epoch": 3.0, f"val/{evil}": 1.0}]
    source = _source(run, tmp_path, curves)
    assert "<script" not in source
    assert "script" not in Page(source).tags


def test_config_beside_the_report_is_shown(tmp_path: Path) -> None:
    (tmp_path / ".hydra").mkdir()
    (tmp_path / ".hydra" / "config.yaml").write_text("trainer:\n  note: <b>\n")
    source = _source(sample_run(), tmp_path)
    assert "trainer:\n  note: &lt;b&gt;" in source


@pytest.mark.parametrize(
    ("section", "name", "empty", "sentence"),
    [
        ("", "export", None, "Nothing was exported, so nothing was timed."),
        ("analysis", "confusions", {}, "The run holds no confusion matrix."),
        ("export", "latency", Latency(), "The export was not timed."),
        ("export", "parity", {}, "The run holds no parity check."),
        ("", "spread", None, "One seed only: the spread over seeds is not known."),
        ("scores", "baselines", {}, "No baseline was scored on this split."),
        ("scores", "primary", None, "No verdict"),
        ("", "scores", None, "The run has no metrics."),
        ("", "scores", Scores(), "The run has no metrics."),
        ("", "data", None, "The run holds no word on its data."),
        ("code", "git_commit", None, "not in a git checkout"),
    ],
)
def test_missing_parts_are_said(tmp_path: Path, section: str, name: str, empty: object, sentence: str) -> None:
    run = sample_run()
    setattr(getattr(run, section) if section else run, name, empty)
    assert sentence in Page(_source(run, tmp_path)).text


def test_failed_run_with_nothing_in_it(tmp_path: Path) -> None:
    run = RunRecord(Identity(run_id="r", status="failed", error="out of memory", model="harmony"))
    text = Page(_source(run, tmp_path, [])).text
    assert "The run failed" in text and "out of memory" in text and "The run logged no curves." in text


def test_a_note_has_a_heading_of_its_own(tmp_path: Path) -> None:
    run = sample_run()
    assert "Does knowing the emotion help?" in Page(_source(run, tmp_path)).text
    run.analysis.notes[0].title, run.analysis.notes[0].text = "Why?", "Because <b>."
    source = _source(run, tmp_path)
    assert "<h2>Why?</h2>" in source and "Because &lt;b&gt;." in source


@pytest.mark.parametrize(
    "run", [sample_run(), RunRecord(Identity(run_id="r", status="failed", error="x", model="harmony"))]
)
def test_no_section_is_empty(tmp_path: Path, run: RunRecord) -> None:
    source = _source(run, tmp_path, [])
    sections = [re.sub(r"<[^>]*>", " ", part.partition("</h2>")[2]) for part in source.split("<h2>")[1:]]
    assert sections and all(len(text.split()) > 3 for text in sections)
    assert ("<h2>Latency</h2>" in source) == (run.export is not None)


def test_every_table_scrolls_by_itself(source: str) -> None:
    assert source.count("<table") == len(re.findall(r'<div class="scroll">\s*<table', source)) > 0


@pytest.mark.slow
@pytest.mark.usefixtures("drawn")
def test_names_of_classes_are_letters_not_formulas(tmp_path: Path) -> None:
    run = sample_run()
    run.analysis.confusions["root"].labels[:3] = ["$x$", r"$\frac{$", "メロディ"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of matplotlib, where a font lacks a sign
        source = _source(run, tmp_path)
    for label in ("$x$", r"$\frac{$", "メロディ"):
        assert source.count(f">{label}</text>") == 2


@pytest.mark.slow
@needs_browser
def test_long_words_widen_no_page(tmp_path: Path) -> None:
    """In a narrow window: an error, a note, a licence and a machine may be one word."""
    word, run = "x" * 500, sample_run()
    run.analysis.notes = [Note(word, word)]
    run.data.stand_in = run.data.version = run.data.licence = run.network.arch = word
    run.code.versions = {word: word}
    run.identity.status, run.identity.error = "failed", word
    _source(run, tmp_path)
    with browsing(tmp_path) as browser:
        browser.set_window_size(500, 900)
        browser.get(f"file://{tmp_path / 'report.html'}")
        page, window = browser.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
    assert page <= window
