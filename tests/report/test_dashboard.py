"""The dashboard: all models and runs, sortable, escaped, from one file; what can't be shown is counted and said."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.page import Page
from support.sample_run import sample_run

from kmidi_lab import run_file
from kmidi_lab.registry.registry import load_registry
from kmidi_lab.report.dashboard import write_dashboard
from kmidi_lab.report.dashboard_tables import MOST_LINES, stated_value
from kmidi_lab.report.kept_runs import KeptRuns, kept_runs
from kmidi_lab.report.many_lines import many_lines

RELEASE = Path(__file__).resolve().parents[2] / "outputs" / "release"
CHROMIUM = Path("/usr/bin/chromium")
DRIVER = shutil.which("chromedriver")
CURVES = "epoch,val/loss,val/top1\n0,2.5,0.3\n1,2.0,0.4\n"


def _run(root: Path, folder: str, curves: str | None = CURVES, **changes: object) -> Path:
    run = sample_run()
    for key, value in changes.items():
        setattr(run.identity, key, value)
    run_file.write(run, root / folder)
    if curves is not None:
        (root / folder / "curves").mkdir()
        (root / folder / "curves" / "metrics.csv").write_text(curves)
    return root / folder


def _page(entries: list[dict], kept: KeptRuns, folder: Path) -> tuple[str, Page]:
    write_dashboard(entries, kept, {"models folder": "m"}, folder / "index.html")
    source = (folder / "index.html").read_text("utf-8")
    return source, Page(re.sub(r"<script>.*?</script>", "", source, flags=re.DOTALL))


def test_all_of_the_release_stands_on_the_page(tmp_path: Path) -> None:
    entries = load_registry(RELEASE)["models"]
    source, page = _page(entries, KeptRuns(), tmp_path)
    rows = {row[0]: row for row in page.tables[0][1:]}
    assert set(rows) == {entry["id"] for entry in entries}
    for entry in entries:
        primary = entry["primary"]
        assert (
            f"{primary['value']:.3f}"[:4] in rows[entry["id"]][3] and rows[entry["id"]][4] == primary["best_baseline"]
        )
        for line in entry["history"]:
            assert line["version"] in page.text
        for name in entry["baselines"][primary["split"]]:
            assert name in page.text
    assert "not shown whole" not in page.text
    assert not re.search(r"(?:src|href)=|https?:|@import|url\(", source), "it needs something else"


def test_runs_stand_newest_first_with_their_curves(tmp_path: Path) -> None:
    _run(tmp_path, "runs/harmony/old", started_at="2026-01-01T00:00:00+00:00")
    _run(tmp_path, "sweeps/s/0", started_at="2026-01-02T00:00:00+00:00", overrides=["seed=7", "paths.cache_dir=x"])
    _run(tmp_path, "sweeps/s/1", status="failed", error="no space", started_at="2026-01-03T00:00:00+00:00")
    (tmp_path / "sweeps/s/.hydra").mkdir()
    kept = kept_runs(tmp_path)
    assert [run.folder for run in kept.runs] == ["sweeps/s/1", "sweeps/s/0", "runs/harmony/old"] and not kept.faults
    source, page = _page([], kept, tmp_path)
    assert "No models are published" in page.text and "not published in this folder" in page.text
    assert "failed: no space" in page.text and "seed=7" in page.text and "paths.cache_dir" not in page.text
    assert source.count("<svg") == 2 and "val loss of 3 runs" in source


def test_of_many_runs_the_newest_are_drawn(tmp_path: Path) -> None:
    for number in range(MOST_LINES + 2):
        _run(tmp_path, f"runs/harmony/{number:02}", started_at=f"2026-01-{number + 1:02}T00:00:00+00:00")
    source, page = _page([], kept_runs(tmp_path), tmp_path)
    assert f"val loss of {MOST_LINES} runs" in source and f"newest {MOST_LINES} runs are drawn, 2 are not" in page.text


def test_what_can_not_be_read_is_counted_and_said(tmp_path: Path) -> None:
    _run(tmp_path, "runs/harmony/good")
    half = _run(tmp_path, "runs/harmony/half") / "run.json"
    half.write_text(half.read_text()[:900])
    (tmp_path / "runs/harmony/empty").mkdir()
    (tmp_path / "runs/harmony/notes.txt").write_text("mine")
    (tmp_path / "runs/harmony/foreign").mkdir()
    (tmp_path / "runs/harmony/foreign/run.json").write_text('["another program"]')
    (tmp_path / "runs/harmony/folder/run.json").mkdir(parents=True)
    (tmp_path / "runs/harmony/pipe").mkdir()
    os.mkfifo(tmp_path / "runs/harmony/pipe/run.json")
    bad = _run(tmp_path, "runs/harmony/curves", None) / "curves"
    bad.mkdir()
    (bad / "metrics.csv").write_bytes(b"epoch,val/loss\n0,\xff\xfe\n")
    kept = kept_runs(tmp_path)
    assert [run.folder for run in kept.runs] == ["runs/harmony/good", "runs/harmony/curves"]
    assert {name.rpartition("/")[2] for name, _ in kept.faults} == {
        "half",
        "empty",
        "foreign",
        "folder",
        "pipe",
        "curves",
    }
    _, page = _page([], kept, tmp_path)
    assert "6 not shown whole" in page.text and "it left no run.json" in page.text


@pytest.mark.parametrize("key", ["primary", "baselines", "latency", "history", "params", "training"])
def test_a_foreign_entry_does_not_stop_the_page(tmp_path: Path, key: str) -> None:
    entries = json.loads(json.dumps(load_registry(RELEASE)["models"][:2]))
    for value in ("text", 5, ["list"], {"other": "program"}, None, {"backends": {"x": 3}}):
        entries[0][key] = value
        _, page = _page(entries, KeptRuns(), tmp_path)
        assert entries[1]["id"] in [row[0] for row in page.tables[0]]


def test_nothing_from_data_becomes_markup(tmp_path: Path) -> None:
    bad = "</script><img src=x onerror=alert(1)>\"'$\\frac{$"
    [entry] = load_registry(RELEASE)["models"][:1]
    entry = entry | {"status_reason": bad, "primary": entry["primary"] | {"best_baseline": bad}}
    entry["baselines"] = {"test": {bad: entry["baselines"]["test"]["majority"]}}
    _run(tmp_path, "runs/harmony/x", f"epoch,val/{bad.replace(',', '')}\n0,1\n1,2\n", overrides=[bad], error=bad)
    kept = kept_runs(tmp_path)
    kept.faults.append((bad, "\udcff is no text"))
    source, page = _page([entry], kept, tmp_path)
    assert "<img" not in source and source.count("</script>") == 1 and bad in page.text


def test_numbers_of_every_size_are_drawn() -> None:
    for values in ([1.0], [0.0, 0.0], [1e-9, 1e11], [float("nan"), 1.0], [float("inf")], [-5.0, 1e300], []):
        drawn = many_lines([(1, (list(map(float, range(len(values)))), values))], "x")
        assert "nan" not in drawn and "inf" not in drawn and Page(drawn)


def test_a_replaced_entry_states_its_value() -> None:
    primary = {"split": "test", "metric": "top1"}
    words = "falls short of 4-gram on test top1 (0.5501 against 0.564), x on test perplexity (5 against 6)"
    assert stated_value(words, primary) == 0.5501
    assert stated_value("by hand", primary) is None


def test_the_task_writes_the_page(answer: Callable[..., str], tmp_path: Path) -> None:
    out = answer("task=dashboard")
    assert "0 models, 0 runs, 0 not shown whole" in out and (tmp_path / "outputs/dashboard/index.html").is_file()
    _run(tmp_path, "mine/runs/harmony/a")
    shutil.copytree(RELEASE, tmp_path / "m", ignore=shutil.ignore_patterns("*.onnx", "golden"))
    out = answer("task=dashboard", "models_root=m", "dashboard.runs=mine", "dashboard.out=page.html")
    assert f"{len(load_registry(RELEASE)['models'])} models, 1 run, 0 not shown whole | page.html" in out
    (tmp_path / "m" / "registry.json").write_text("{")
    out = answer("task=dashboard", "models_root=m")
    assert "not shown whole: m/registry.json: not JSON" in out.replace("\n", " ") and "1 not shown whole" in out


@pytest.mark.parametrize("there", [False, True])
def test_a_models_folder_without_models_is_refused_and_leaves_the_page(
    refusal: Callable[..., str], answer: Callable[..., str], tmp_path: Path, there: bool
) -> None:
    said = answer("task=dashboard")
    assert "no models in outputs/models; to see published ones, type models_root=/" in said
    page = tmp_path / "outputs/dashboard/index.html"
    page.write_text("what was there")
    if there:
        (tmp_path / "nope").mkdir()
    why = "no registry.json there" if there else "there is no such folder"
    assert f"models_root=nope: {why}" in refusal("task=dashboard", "models_root=nope")
    assert page.read_text() == "what was there"


def test_a_folder_of_runs_that_is_not_there_is_said(refusal: Callable[..., str]) -> None:
    assert "dashboard.runs=nowhere: no such folder" in refusal("task=dashboard", "dashboard.runs=nowhere")


@pytest.mark.slow
@pytest.mark.skipif(not (CHROMIUM.exists() and DRIVER), reason="needs chromium and chromedriver")
def test_a_click_sorts_in_a_browser_from_the_file(tmp_path: Path) -> None:
    from selenium import webdriver
    from selenium.webdriver.common.by import By

    write_dashboard(load_registry(RELEASE)["models"], KeptRuns(), {}, tmp_path / "index.html")
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for option in ("--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(option)
    browser = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    try:
        browser.get((tmp_path / "index.html").as_uri())
        heading = browser.find_elements(By.CSS_SELECTOR, "table.models thead th")[7]
        for turned in (False, True):
            heading.click()
            cells = browser.find_elements(By.CSS_SELECTOR, "table.models tbody td:nth-child(8)")
            params = [int(cell.text.replace(",", "")) for cell in cells]
            assert len(params) > 5 and params == sorted(params, reverse=turned)
        assert browser.get_log("browser") == []
    finally:
        browser.quit()
