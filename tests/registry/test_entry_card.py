from __future__ import annotations

import hashlib
import json
import math
from itertools import pairwise
from typing import Any

import jsonschema
import pytest
from support.run_fixture import run_files, run_record

from kmidi_lab.contracts import CONTRACTS, EMOTION_NODE, HARMONY
from kmidi_lab.registry.entry import registry_entry
from kmidi_lab.registry.schema import SCHEMA
from kmidi_lab.report.card import model_card
from kmidi_lab.run_analysis import Analysis, SliceEvidence
from kmidi_lab.run_record import RunRecord

FILES = run_files(HARMONY.id)


@pytest.fixture
def kmidi_schema(shared) -> dict[str, Any]:
    return json.loads((shared / "kmidi" / "registry.schema.json").read_text())


def entry_of(run: RunRecord, files: dict[str, bytes] = FILES) -> dict[str, Any]:
    return registry_entry(run, HARMONY, files)


def own_schema() -> dict[str, Any]:
    return json.loads(SCHEMA.read_text())


def errors(schema: dict[str, Any], entry: dict[str, Any]) -> list[str]:
    whole = {"registry_version": "1.1", "models": [json.loads(json.dumps(entry, allow_nan=False))]}
    return [e.message for e in jsonschema.Draft7Validator(schema).iter_errors(whole)]


def test_the_entry_follows_both_schemas(kmidi_schema):
    entry = {**entry_of(run_record()), "onnx_path": "/models/harmonypredictor.onnx", "history": []}
    assert errors(own_schema(), entry) == []
    assert errors(kmidi_schema, entry) == []


def test_our_schema_asks_for_what_kmidi_asks_for(kmidi_schema):
    """Every field of KmiDi's with the same type, limits and choices; ours only adds."""

    def limits(schema: dict[str, Any]) -> dict[str, Any]:
        return {k: v for k, v in schema.items() if k not in ("description", "title", "$id", "properties")}

    def same(theirs: dict[str, Any], ours: dict[str, Any]) -> None:
        assert limits(theirs) == limits(ours)
        for name, field in theirs["properties"].items():
            assert limits(field) == limits(ours["properties"][name]), name

    own = own_schema()
    same({**kmidi_schema, "definitions": 0}, {**own, "definitions": 0})
    for name, definition in kmidi_schema["definitions"].items():
        same(definition, own["definitions"][name])


def test_the_schema_knows_every_key_of_an_entry():
    """Keys the schema does not know are taken for someone else's and kept for ever."""
    assert set(entry_of(run_record())) <= set(own_schema()["definitions"]["ModelEntry"]["properties"])


def test_the_fields_of_the_contract():
    entry = entry_of(run_record())
    assert (entry["file"], entry["format"]) == ("harmonypredictor.json", "rtneural-json")
    assert (entry["input_size"], entry["output_size"], entry["inference_target_ms"]) == (128, 64, 3.0)
    assert entry["exports"] == {
        "sha256": hashlib.sha256(FILES["harmonypredictor.json"]).hexdigest(),
        "onnx_path": "harmonypredictor.onnx",
        "onnx_sha256": hashlib.sha256(FILES["harmonypredictor.onnx"]).hexdigest(),
    }
    assert entry["integration"] == {
        "python_api": True,
        "cpp_mlinterface": False,
        "tauri_ui": False,
        "fallback_available": True,
    }
    assert entry["training"]["duration_seconds"] == 41.0
    assert entry["training"]["test_loss"] == 1.963
    assert entry["model_card"] == "harmonypredictor.card.md"
    assert entry["rtneural_path"] == "harmonypredictor.json"
    assert entry["golden_path"] == "golden/harmonypredictor.json"
    for name, facts in entry["files"].items():
        assert facts == {"sha256": hashlib.sha256(FILES[name]).hexdigest(), "bytes": len(FILES[name])}


def test_without_an_rtneural_file_onnx_is_the_primary_one():
    entry = entry_of(run_record(), {"harmonypredictor.onnx": b"onnx"})
    assert (entry["file"], entry["format"], entry["rtneural_path"]) == ("harmonypredictor.onnx", "onnx", None)
    assert entry["exports"]["sha256"] == entry["exports"]["onnx_sha256"]


def test_cpp_counts_only_when_the_real_rtneural_ran():
    run = run_record()
    run.export.parity["rtneural"] = 1e-6
    assert entry_of(run)["integration"]["cpp_mlinterface"] is True


def test_a_finished_run_gives_its_own_date_and_the_gpu_it_used():
    run = run_record()
    run.identity.finished_at = "2026-11-22T20:31:33+00:00"
    assert entry_of(run)["training"]["training_date"] == run.identity.finished_at
    run.machine["gpu"] = ["NVIDIA H100"]
    assert entry_of(run)["training"]["hardware"] == "cpu: AMD EPYC 9254"
    run.hardware["accelerator"] = "cuda"
    assert entry_of(run)["training"]["hardware"] == "cuda: NVIDIA H100"


def test_numbers_that_json_does_not_have(kmidi_schema):
    run = run_record()
    run.training.train_loss = math.nan
    run.scores.baselines["test"]["majority"]["perplexity"] = math.inf
    run.code.git_commit = None
    entry = entry_of(run)
    assert "train_loss" not in entry["training"]
    assert entry["baselines"]["test"]["majority"]["perplexity"] is None
    assert errors(kmidi_schema, entry) == []


def test_what_the_data_notice_is_told_in_entry_and_card():
    run = run_record()
    assert "teacher" not in entry_of(run)["note"]
    run.data.more["notice"] = "Trained without teacher: its package is not installed"
    assert entry_of(run)["note"] == f"{run.export.reason}. Trained without teacher: its package is not installed."
    assert "\n\nTrained without teacher: its package is not installed.\n" in model_card(run, HARMONY)


def test_a_stand_in_is_told_in_the_entry_and_at_the_top_of_the_card():
    run = run_record()
    run.data.stand_in = "Made-up songs instead of POP909."
    entry, card = entry_of(run), model_card(run, HARMONY)
    assert entry["stand_in"] == run.data.stand_in and run.data.stand_in in entry["note"]
    assert card.splitlines()[2] == "> **Stand-in data.** Made-up songs instead of POP909."
    assert "Stand-in" not in model_card(run_record(), HARMONY)


def test_the_card_holds_every_part():
    run = run_record()
    card = model_card(run, HARMONY)
    for title in (
        "# harmonypredictor", "## Contract: harmony", "## Data", "## Metrics beside the baselines", "### test/pop909",
        "## Does knowing the emotion help?", "## Calibration", "## Parity", "## Latency", "## Not measured",
        "## Intended use and limits", "## Provenance",
    ):  # fmt: skip
        assert f"\n{title}" in f"\n{card}", title
    for part in (*HARMONY.inputs, *HARMONY.outputs):
        assert f"`{part.name}`" in card
    for name in run.scores.baselines["test"]:
        assert f"\n| {name.replace('_', chr(92) + '_')} |" in card
    for fact in (run.identity.command, run.code.git_commit, run.data.version, "pop909", "92,410", "7.13 ± 0.05"):
        assert fact in card
    assert "RTNEURAL_RUNNER is not set".replace("_", "\\_") in card
    assert "it helps" in card


def test_every_table_of_the_card_is_whole():
    lines = model_card(run_record(), HARMONY).splitlines()
    columns = [line.replace("\\|", "").count("|") if line.startswith("|") else 0 for line in lines]
    for before, after in pairwise(columns):
        assert before == after or 0 in (before, after)


def test_the_card_of_the_plainest_run():
    """One seed, no emotion known, nothing skipped, no calibration."""
    run = run_record(beats=False)
    run.spread, run.analysis, run.code.git_commit = None, Analysis(), None
    run.data.problems = {}
    for scores in run.scores.metrics.values():
        del scores["ece"]
    card = model_card(run, HARMONY)
    assert "## Calibration" not in card and "emotion help" not in card
    assert "Status **training**: does not beat 4-gram+cache" in card
    assert "Does not beat its baselines" in card
    assert "spread over seeds: this is one run" in card
    assert "Nothing was skipped." in card


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=str)
def test_a_card_for_each_model(contract):
    card = model_card(run_record(), contract)
    assert ("keeps the first 128" in card) == (contract.output_size > 128)
    assert (f"Each call takes {contract.state}" in card) == contract.streaming


def test_wide_and_streaming_models_say_what_readers_do():
    card = model_card(run_record(), EMOTION_NODE)
    assert "first 128 of 258 outputs" in card and "every call since the reset" in card
    run = run_record()
    run.export.receptive_field = 125
    assert "depends on the last 125 calls" in model_card(run, EMOTION_NODE)


def test_the_card_says_what_each_slice_was_taught_by():
    run = run_record()
    taught = SliceEvidence("family", True, "the name", {"gm": 1200}, ["ethnic"])
    run.analysis.slices = [taught, SliceEvidence("vibrato", False, "none", {}, [])]
    card = model_card(run, HARMONY)
    assert "| family | the name | gm 1,200 | ethnic |" in card
    assert "| vibrato | **untrained: constant in the output** | – | – |" in card
    assert "taught by" not in model_card(run_record(), HARMONY)
