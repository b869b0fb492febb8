from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from support.run_fixture import run_files, run_record

from kmidi_lab.contracts import HARMONY
from kmidi_lab.registry.entry import registry_entry
from kmidi_lab.report.registry_table import compared, history_table, models_table


@pytest.fixture
def entry() -> dict[str, Any]:
    return {**registry_entry(run_record(), HARMONY, run_files(HARMONY.id)), "history": []}


def row(table: str, name: str) -> list[str]:
    """The cells of the line that begins with `name`."""
    [line] = [line for line in table.splitlines() if line.startswith(f"{name}  ")]
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


def test_list_of_models(entry):
    entry["history"] = [{"version": "v2", "kept": True}, {"version": "v1", "kept": False}]
    table = models_table([entry, {**entry, "id": "other", "stand_in": "made up", "history": []}])
    cells = row(table, "harmonypredictor")
    assert cells[:6] == ["harmonypredictor", "trained", "test perplexity", "7.12", "8.30 4-gram+cache", "chord_db"]
    assert cells[-1] == "1" and "µs" in cells[-2]
    assert "stand-in" in row(table, "other")
    assert models_table([]) == "no models are published"


def test_list_tells_the_fastest_median_where_there_is_one(entry):
    entry["latency"] = {"backends": {"torch": {"median_us": 80.0}, "rtneural": {"median_us": 3.21}}}
    assert "3.21\u00a0µs rtneural" in row(models_table([entry]), "harmonypredictor")


def test_entries_that_tell_little(shared):
    theirs = json.loads((shared / "kmidi" / "registry.json").read_text())["models"]
    assert len(models_table(theirs).splitlines()) == 1 + len(theirs)
    assert all("no history" in history_table(e) for e in theirs)
    assert "not comparable" in compared(("a", theirs[0]), ("b", theirs[0]))


def test_history_lines_old_and_new(entry):
    entry["history"] = [
        {
            "version": "r2-abc",
            "status": "production",
            "kept": True,
            "replaced_at": "2026-11-22T20:00:01+00:00",
            "replaced_because": "rolled back: why",
            "reason": "beats",
        },
        {"run_id": "r1", "status": "trained", "reason": "older line"},
    ]
    table = history_table(entry)
    assert table.startswith("harmonypredictor: trained, version ")
    assert row(table, "2026-11-22 20:00:01")[1:] == ["r2-abc", "production", "kept", "rolled back: why", "beats"]
    assert row(table, "–")[1:] == ["r1", "trained", "–", "–", "older line"]


def test_differences_say_which_is_better(entry):
    other = copy.deepcopy(entry)
    other["metrics"]["test"] |= {"perplexity": 8.0, "top1": 0.6, "only_here": 1.0}
    other["baselines"]["test"]["4-gram+cache"]["perplexity"] += 1
    other["status"] = "production"
    table = compared(("here", entry), ("there", other))
    assert "A: here\nB: there" in table and "comparable" not in table
    assert row(table, "test perplexity") == ["test perplexity", "7.12", "8.00", "−0.88 better"]
    assert row(table, "test top1")[-1].endswith(" worse")
    assert row(table, "test perplexity of 4-gram+cache")[-1] == "−1.00"
    assert row(table, "status") == ["status", "trained", "production"]
    assert row(table, "parity onnx")[0] == "parity onnx"
    assert "only_here" not in table


@pytest.mark.parametrize(
    "change", [{"data_fingerprint": "sha256:00"}, {"data_settings": {"split_seed": 9}}, {"data_fingerprint": None}]
)
def test_other_data_is_said_and_nothing_is_called_better(entry, change):
    other = copy.deepcopy({**entry, **change})
    other["metrics"]["test"]["perplexity"] = 8.0
    table = compared(("here", entry), ("there", other))
    assert table.endswith("The data differ, so the scores of A and B are not comparable.")
    assert "better" not in table and "worse" not in table


@pytest.mark.parametrize("which", [0, 1])
def test_a_model_that_may_have_heard_its_test_is_not_compared(entry, which):
    pair = [entry, copy.deepcopy(entry)]
    pair[1]["metrics"]["test"]["perplexity"] = 8.0
    pair[which]["heard_all"] = True
    table = compared(("here", pair[0]), ("there", pair[1]))
    assert row(table, "may have heard its test")[1:] == (["yes", "no"], ["no", "yes"])[which]
    assert table.endswith("has no test score that can be compared.") and "The data differ" not in table
    assert "better" not in table and "worse" not in table
