"""A run of the command line and what other commands make of it: one small model for all tests."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from kmidi_lab.run_file import read
from kmidi_lab.run_record import RunRecord
from tests.conftest import Cli

SMALL = ("model=harmony", "preset=smoke", "hardware=mps", "trainer.progress=false", "data.sources=[embedded]")
SHORT = ("trainer.limit_train_batches=15", "export.calls=50")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, lab: list[str], lab_env: dict[str, str]) -> Path:
    """A working folder in which a smoke run has trained and published."""
    folder = tmp_path_factory.mktemp("trained")
    done = subprocess.run([*lab, *SMALL, *SHORT], cwd=folder, env=lab_env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "harmony: perplexity" in done.stdout
    assert "STAND-IN DATA" in done.stdout
    return folder


def run_folder(root: Path) -> Path:
    return max((root / "outputs/runs/harmony").iterdir())


def record(folder: Path) -> RunRecord:
    return read(folder / "run.json")


@pytest.mark.slow
def test_a_run_leaves_everything(trained: Path) -> None:
    folder = run_folder(trained)
    names = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert {
        "run.json",
        "config.yaml",
        "report.html",
        "problems.csv",
        "curves/metrics.csv",
        "checkpoints/best.ckpt",
    } <= names
    run = record(folder)
    assert run.identity.status == "ok"
    assert run.identity.duration_seconds > run.training.seconds > 0
    assert {"majority", "bigram", "4-gram", "4-gram+cache", "circle_of_fifths"} <= set(run.scores.baselines["test"])
    assert run.data.stand_in
    import torch

    if not torch.backends.mps.is_available():
        assert run.hardware["accelerator"] == "cpu"
        assert "limits of MPS" in run.hardware["notes"][0]
    assert run.export.parity["onnx"] < 1e-4
    assert run.analysis.more["emotion"]["events"] > 0
    assert run.analysis.notes[0].title == "Does knowing the emotion help?"


@pytest.mark.slow
def test_the_artefacts_agree_with_each_other(trained: Path) -> None:
    from kmidi_lab.export.rtneural.reader import RTNeuralModel

    models = trained / "outputs/models"
    onnx = ort.InferenceSession(models / "harmonypredictor.onnx")
    assert [(v.name, v.shape) for v in (*onnx.get_inputs(), *onnx.get_outputs())] == [
        ("input", [1, 128]),
        ("output", [1, 64]),
    ]
    reader = RTNeuralModel.from_bytes((models / "harmonypredictor.json").read_bytes())
    golden = json.loads((models / "golden/harmonypredictor.json").read_text())
    for x, y in zip(*(np.array(golden["typical"][k], np.float32) for k in ("inputs", "outputs")), strict=True):
        assert np.abs(onnx.run(["output"], {"input": x[None]})[0][0] - y).max() < 1e-4
        assert np.abs(reader(x) - y).max() < 1e-4


@pytest.mark.slow
def test_eval_takes_registry_run_and_onnx_and_agrees(called: Cli, trained: Path) -> None:
    models = trained / "outputs/models"
    scores = []
    for model in (models, run_folder(trained), models / "harmonypredictor.onnx"):
        out = trained / f"eval-{len(scores)}.json"
        done = called(
            "task=eval",
            f"eval.model={model}",
            f"eval.out={out}",
            "data.sources=[embedded]",
            "trainer.progress=false",
            cwd=trained,
        )
        assert done.returncode == 0, done.stderr
        assert "4-gram+cache" in done.stdout
        scores.append(json.loads(out.read_text()))
    assert scores[0]["counts"]["songs_also_in_training"] == 0
    own = record(run_folder(trained)).scores.metrics["test"]
    for s in scores:
        assert s["metrics"]["test"]["perplexity"] == pytest.approx(own["perplexity"], rel=1e-4)
        assert s["counts"]["events"] == own["events"]
    assert scores[1]["counts"]["songs_also_in_training"] == 0
    assert scores[2]["counts"]["songs_also_in_training"] is None  # a bare file doesn't say what trained it


@pytest.mark.slow
def test_eval_says_when_songs_were_seen_in_training(called: Cli, trained: Path) -> None:
    out = trained / "all.json"
    called(
        "task=eval",
        f"eval.out={out}",
        "data.split=all",
        "data.sources=[embedded]",
        "trainer.progress=false",
        cwd=trained,
    )
    counts = json.loads(out.read_text())["counts"]
    assert counts["songs_also_in_training"] > counts["songs"] / 2


@pytest.mark.slow
def test_eval_on_another_root_scores_its_songs_only(called: Cli, trained: Path, tmp_path: Path) -> None:
    charts = [
        {
            "Title": f"New {i}",
            "Key": "F",
            "Sections": [{"Label": "A", "MainSegment": {"Chords": f"Fmaj7|Gm7,C7|{c}|Gm7,C7|F6"}}],
        }
        for i, c in enumerate(
            ["Am7,D7", "Bbmaj7,Eb7", "Dm7,Db7", "Abmaj7,Dbmaj7", "Am7b5,D7b9", "Fm7,Bb7", "Em7b5,A7", "Bm7b5,E7"]
        )
    ]
    (tmp_path / "new/jazz_standards").mkdir(parents=True)
    (tmp_path / "new/jazz_standards/JazzStandards.json").write_text(json.dumps(charts))
    out = tmp_path / "eval.json"
    done = called(
        "task=eval",
        f"data.root={tmp_path / 'new'}",
        "data.split=all",
        f"eval.out={out}",
        "trainer.progress=false",
        cwd=trained,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    scores = json.loads(out.read_text())
    assert scores["counts"]["songs"] == 8
    assert set(scores["metrics"]) == {"all", "all/jazz_standards"}
    assert scores["counts"]["songs_also_in_training"] == 0
    assert scores["baselines_fitted_on_the_model's_training_data"]
    (tmp_path / "nothing").mkdir()
    done = called("task=eval", f"data.root={tmp_path / 'nothing'}", "data.split=all", cwd=trained)
    assert done.returncode == 2
    assert "no usable chord data" in done.stdout + done.stderr


@pytest.mark.slow
def test_predict_with_and_without_a_model(called: Cli, trained: Path, tmp_path: Path) -> None:
    arguments = ("task=predict", "model=harmony", "predict.chords=Dm7 G7", "predict.key=C", "predict.emotion=sad")
    (tmp_path / "empty").mkdir()
    done = called(*arguments, "models_root=empty")
    assert done.returncode == 0, done.stderr
    assert "heuristic" in done.stderr
    assert "Cmaj7" in done.stdout
    for env, asked in (({}, "using the released one in"), ({"MODELS_ROOT": "empty"}, "heuristic")):
        done = called(*arguments, env=env)
        assert done.returncode == 0, done.stderr
        assert asked in done.stderr.splitlines()[0]
        assert "%" in done.stdout
    done = called(*arguments, cwd=trained)
    assert "heuristic" not in done.stderr and "using the released" not in done.stderr
    shares = [float(line.split("%")[0]) for line in done.stdout.splitlines() if "%" in line]
    assert len(shares) == 8
    assert shares == sorted(shares, reverse=True)
    for chords in ("F#m7b5 | B7 Em | % ", None, "C#, F#", "ii%7 | V7", "C:maj | ~"):
        done = called("task=predict", *([] if chords is None else [f"predict.chords={chords}"]), cwd=trained)
        assert done.returncode == (2 if chords and "~" in chords else 0), done.stdout + done.stderr


@pytest.mark.slow
def test_bench_and_export_again(called: Cli, trained: Path) -> None:
    done = called("task=bench", "export.calls=50", cwd=trained)
    assert done.returncode == 0, done.stderr
    assert "onnxruntime_iobinding" in done.stdout
    assert "RTNEURAL_RUNNER is not set" in done.stdout
    done = called(
        "task=export", f"export.source={run_folder(trained)}", "export.calls=50", "paths.models_root=again", cwd=trained
    )
    assert done.returncode == 0, done.stderr + done.stdout
    first, again = (
        json.loads((trained / p / "registry.json").read_text())["models"][0] for p in ("outputs/models", "again")
    )
    assert first["exports"]["sha256"] == again["exports"]["sha256"]


@pytest.mark.slow
def test_prepare_reports_the_data(called: Cli, trained: Path) -> None:
    done = called("task=prepare", "data.sources=[embedded,rntxt]", "trainer.progress=false", cwd=trained)
    assert done.returncode == 0
    assert re.search(r"^rntxt .* 68 ", done.stdout, re.MULTILINE)
    assert not any(sign in done.stdout for sign in '{}"')
    written = json.loads(Path(re.search(r"written: (\S+data\.json)", done.stdout)[1]).read_text())
    assert [source["name"] for source in written["sources"]] == ["embedded", "rntxt"]


@pytest.mark.slow
def test_resume_goes_on_and_leaves_the_other_run_alone(called: Cli, trained: Path) -> None:
    first = run_folder(trained)
    before = {p: p.read_bytes() for p in first.rglob("*") if p.is_file()}
    done = called(
        *SMALL,
        *SHORT,
        "export.enabled=false",
        "paths.output_root=resumed",
        "trainer.max_epochs=5",
        f"trainer.resume={first}",
        cwd=trained,
    )
    assert done.returncode == 0, done.stderr
    assert f"best so far: val/loss {record(first).training.val_loss:.4f}" in done.stdout + done.stderr
    [folder] = (trained / "resumed/runs/harmony").iterdir()
    assert record(folder).training.epochs == 5
    epochs = {float(r["epoch"]) for r in csv.DictReader((folder / "curves/metrics.csv").open()) if r["epoch"]}
    assert epochs == {0.0, 1.0, 2.0, 3.0, 4.0}  # the earlier curves are kept
    assert {p: p.read_bytes() for p in first.rglob("*") if p.is_file()} == before


@pytest.mark.slow
def test_a_run_stopped_after_its_last_epoch_is_finished(called: Cli, trained: Path) -> None:
    """By resume with all that follows training, and by task=export without any run.json: the same files, byte for byte."""
    first, stopped = run_folder(trained), trained / "stopped"
    shutil.copytree(first, stopped)
    for name in ("run.json", "report.html"):
        (stopped / name).unlink()
    before = {p: p.read_bytes() for p in stopped.rglob("*") if p.is_file()}
    done = called(*SMALL, *SHORT, f"trainer.resume={stopped}", "paths.output_root=finished", cwd=trained)
    assert done.returncode == 0, done.stderr
    assert "training harmony on" not in done.stdout + done.stderr
    [folder] = (trained / "finished/runs/harmony").iterdir()
    own, other = record(folder), record(first)
    assert own.identity.status == "ok" and own.scores.metrics == other.scores.metrics
    own.training.seconds = other.training.seconds
    assert own.training == other.training
    epochs = [[r["epoch"] for r in csv.DictReader((f / "curves/metrics.csv").open())] for f in (folder, first)]
    assert epochs[0] == epochs[1]
    done = called("task=export", f"export.source={stopped}", "models_root=exported", "export.calls=50", cwd=trained)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "the weights of its best epoch so far are exported" in done.stderr + done.stdout
    roots = [trained / path for path in ("outputs/models", "finished/models", "exported")]
    for name in ("harmonypredictor.onnx", "harmonypredictor.json", "golden/harmonypredictor.json"):
        assert len({(root / name).read_bytes() for root in roots}) == 1, name
    assert {p: p.read_bytes() for p in stopped.rglob("*") if p.is_file()} == before
