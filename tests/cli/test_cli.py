"""The real command line, one small trained model shared by most tests."""

from __future__ import annotations

import csv
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from kmidi_lab.run_file import read
from kmidi_lab.run_record import RunRecord

Cli = Callable[..., subprocess.CompletedProcess[str]]
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


def test_help_is_fast_and_imports_no_torch(called: Cli) -> None:
    done = called("--help")
    assert done.returncode == 0
    for text in (
        "harmony",
        "128 -> 64",
        "< 3 ms",
        "missing pop909",
        "hardware=auto",
        "preset=none|smoke",
        "task=predict",
    ):
        assert text in done.stdout
    code = (
        "import sys; from kmidi_lab.__main__ import main; main(['--help', 'model=melody']); "
        "sys.exit(bool({'torch', 'hydra', 'omegaconf', 'yaml', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_help_tells_of_the_data_of_the_model_asked_for(called: Cli, tmp_path: Path) -> None:
    (tmp_path / "root" / "groove").mkdir(parents=True)
    (tmp_path / "root" / "groove" / "info.csv").touch()
    done = called("--help", "model=groove", env={"DATA_ROOT": str(tmp_path / "root")})
    said = [line.strip() for line in done.stdout.splitlines()]
    assert "found    groove_midi    groove/info.csv" in said
    assert [line for line in said if line.startswith("missing  fma ")]
    assert "comes with the lab" in said
    assert "chord_db" not in done.stdout
    wrong = called("--help", "model=grove")
    assert wrong.returncode == 2
    assert "Did you mean 'groove'" in wrong.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("modle=harmony", "Did you mean 'model'"),
        ("model=harmony data=pop", "chord_db"),
        ("hardware=cuda", "no CUDA device here"),
        ("build=dev_mac", "preset=smoke"),
        ("build=prod_aws hardware=cpu", "build.may_train=true"),
        ("data.sources=[pop909]", "DATA_ROOT"),
        ("data.root=nowhere", "is not a folder"),
        ("hardware.precision=foo", "Allowed: 32-true"),
        ("data.sources=[lakh]", "Allowed: embedded"),
        ("model.module.dropout=2", "model.module.dropout=2"),
        ("trainer.resume=nowhere", "no checkpoint there"),
        ("task=eval eval.model=nowhere", "no model there"),
        ("task=eval eval.sweep=nowhere", "no sweep there"),
        ("task=export", "export.source="),
        ("task=bench models_root=nowhere", "models_root=nowhere: there is no such folder"),
        ("task=predict predict.chords=Q7", "has no root"),
        ("task=predict predict.key=H", "key 'H'"),
        ("task=predict predict.emotion=zzz", "is not known"),
        ("task=predict predict.top=0", "predict.top=0"),
    ],
)
def test_wrong_input_is_refused_in_one_line(refusal: Callable[..., str], arguments: str, said: str) -> None:
    if "cuda" in arguments:
        import torch

        if torch.cuda.is_available():
            pytest.skip("this machine has CUDA")
    assert said in refusal(*shlex.split(arguments))


def test_what_a_task_refuses_is_one_line_and_exit_2(called: Cli) -> None:
    done = called("data.sources=[pop909]")
    assert done.returncode == 2
    assert "DATA_ROOT" in done.stderr and done.stderr.count("\n") == 1
    assert "error" not in done.stdout.lower()


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


def write_charts(folder: Path, count: int) -> None:
    """Charts of POP909's layout that share no progression."""
    chords = [f"{root}:{kind}" for root in ("C", "D", "Eb", "F", "G", "A") for kind in ("maj", "min7", "7")]
    rng = np.random.default_rng(0)
    for number in range(count):
        song = folder / "pop909" / f"{number:03}"
        song.mkdir(parents=True)
        lines = [f"{2 * at} {2 * at + 2} {chord}\n" for at, chord in enumerate(rng.choice(chords, 16))]
        (song / "chord_midi.txt").write_text("".join(lines))


@pytest.mark.slow
def test_a_model_of_own_charts_is_scored_and_exported_again_where_data_root_is_typed(
    called: Cli, tmp_path: Path
) -> None:
    """DATA_ROOT says nothing of them."""
    write_charts(tmp_path / "mine", 30)
    own = (f"data.root={tmp_path / 'mine'}", "data.sources=[pop909]", "trainer.progress=false")
    small = ("model=harmony", "model.module.hidden=[8]", "hardware=cpu", "trainer.max_epochs=1", "export.calls=20")
    done = called(*small, *own, "models_root=m2")
    assert done.returncode == 0, done.stdout + done.stderr
    run = run_folder(tmp_path)
    for model in ("m2", run):
        done = called("task=eval", "model=harmony", f"eval.model={model}", "data.split=all", "eval.out=e.json", *own)
        assert done.returncode == 0, done.stdout + done.stderr
        scores = json.loads((tmp_path / "e.json").read_text())
        assert scores["baselines_fitted_on_the_model's_training_data"]
        split = json.loads((run / "run.json").read_text())["data"]["split"]
        heard = split["train"]["songs"] + split["val"]["songs"]
        assert scores["counts"]["songs_also_in_training"] == heard < scores["counts"]["songs"]
    again = ("task=export", "model=harmony", f"export.source={run}", "models_root=m3", "export.calls=20")
    done = called(*again)
    assert done.returncode == 2 and f"type data.root={tmp_path / 'mine'}" in done.stderr
    done = called(*again, own[0])
    assert done.returncode == 0 and (tmp_path / "m3/registry.json").is_file(), done.stderr
    write_charts(tmp_path / "others", 20)
    done = called("task=eval", "model=harmony", "eval.model=m2", f"data.root={tmp_path / 'others'}", *own[1:])
    assert done.returncode == 2 and "holds what trained the model" in done.stderr


@pytest.mark.parametrize(("key", "part"), [("test_share", "test"), ("val_share", "val")])
def test_a_training_that_could_not_be_scored_at_its_end_is_refused_before_it_begins(
    refusal: Callable[..., str], tmp_path: Path, key: str, part: str
) -> None:
    words = ("model=harmony", "data.sources=[embedded]", "hardware=cpu", f"data.{key}=1e-9")
    said = refusal(*words, "trainer.progress=false", "trainer.max_epochs=1")
    assert said.startswith(f"nothing is left for {part}") and "add songs that differ" in said
    assert not list(tmp_path.rglob("*.ckpt"))


@pytest.mark.slow
def test_before_an_error_nothing_is_said_on_standard_output(called: Cli, tmp_path: Path) -> None:
    (tmp_path / "no.mid").write_bytes(b"MThd")
    done = called("task=predict", "model=microtiming", f"predict.midi={tmp_path / 'no.mid'}")
    assert (done.returncode, done.stdout) == (2, "")
    remark, *_, error = done.stderr.splitlines()
    assert "using the released one" in remark and error.startswith("error: ")


@pytest.mark.parametrize(
    "words",
    [
        "task=compose compose.text=",
        "task=compose compose.emotion=jooy",
        "task=nothing",
        "task=registry registry.action=what",
    ],
)
def test_an_error_has_one_form_whether_it_is_told_before_a_job_or_by_it(called: Cli, words: str) -> None:
    done = called(*words.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1, done.stderr


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


@pytest.mark.slow
def test_two_processes_train_one_model(cli: Cli, tmp_path: Path) -> None:
    """Half of each batch on either: without dropout, whose draws differ, the losses are those of one with whole
    batches.
    """
    few = (
        "model=harmony", "hardware=cpu", "trainer.progress=false", "data.sources=[embedded]", "trainer.limit_train_batches=5",
        "trainer.max_epochs=2", "export.calls=20", "model.module.dropout=0.0",
    )  # fmt: skip
    done = cli(*few, "hardware.devices=2", "data.batch_size=64")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    folders = [p for p in (tmp_path / "outputs/runs/harmony").iterdir() if (p / "run.json").exists()]
    assert [record(p).identity.status for p in folders] == ["ok"]
    assert done.stdout.count("harmony: perplexity") == 1
    alone = cli(*few, "data.batch_size=128", "export.enabled=false", "paths.output_root=alone")
    assert alone.returncode == 0, alone.stdout + alone.stderr
    [one] = (tmp_path / "alone/runs/harmony").iterdir()
    two, one = record(folders[0]).training, record(one).training
    assert (two.train_loss, two.val_loss) == pytest.approx((one.train_loss, one.val_loss), rel=4e-4)


@pytest.mark.slow
def test_other_tasks_run_in_a_sweep_too(called: Cli) -> None:
    done = called("-m", "task=info", "seed=1,2")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_multirun_keeps_going_when_a_job_fails(called: Cli, tmp_path: Path) -> None:
    few = ("data.sources=[embedded]", "trainer.limit_train_batches=5", "trainer.max_epochs=1", "export.enabled=false")
    done = called("-m", *SMALL[:-1], "seed=1,2", "trainer.resume=null,broken.ckpt", *few)
    assert done.returncode == 1
    [sweep] = (tmp_path / "outputs/sweeps").iterdir()
    runs = [record(sweep / str(i)) for i in range(4)]
    assert [r.identity.status for r in runs] == ["ok", "failed", "ok", "failed"]
    assert "no checkpoint there" in runs[1].identity.error
    assert "no checkpoint there" in (sweep / "1/cli.log").read_text()
    rows = list(csv.DictReader((sweep / "leaderboard.csv").open()))
    assert [r["status"] for r in rows] == ["ok", "ok", "failed", "failed"]
    assert "best baseline" in done.stdout


@pytest.mark.slow
def test_seeds_spread_goes_into_the_published_entry(called: Cli, tmp_path: Path) -> None:
    few = ("data.sources=[embedded]", "trainer.limit_train_batches=5", "trainer.max_epochs=1", "export.calls=20")
    done = called("-m", *SMALL[:-1], "seed=1,2", "export.enabled=false", *few)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "over 2 seeds" in done.stdout
    [sweep] = (tmp_path / "outputs/sweeps").iterdir()
    done = called("task=export", f"export.source={sweep / '0'}", "export.calls=20")
    assert done.returncode == 0, done.stderr
    [entry] = json.loads((tmp_path / "outputs/models/registry.json").read_text())["models"]
    assert entry["spread"]["seeds"] == [1, 2]
    assert entry["spread"]["metrics"]["test"]["perplexity"]["std"] > 0
    # A run outside the sweep can carry the sweep's spread, but not that of what is none.
    alone = tmp_path / "alone"
    shutil.copytree(sweep / "0", alone)
    ask = ("task=export", f"export.source={alone}", "export.calls=20", "models_root=other")
    done = called(*ask, f"export.spread={sweep}")
    assert done.returncode == 0, done.stderr
    [entry] = json.loads((tmp_path / "other/registry.json").read_text())["models"]
    assert entry["spread"]["seeds"] == [1, 2]
    done = called(*ask, f"export.spread={tmp_path}")
    assert done.returncode == 2 and "no sweep there; give its folder" in done.stderr


@pytest.mark.slow
def test_wandb_offline_run_reads_back(cli: Cli, tmp_path: Path) -> None:
    few = ("data.sources=[embedded]", "trainer.max_epochs=1", "export.calls=20")
    done = cli(*SMALL[:-1], "logger=wandb", *few, env={"WANDB_MODE": "offline"})
    assert done.returncode == 0, done.stderr + done.stdout
    [path] = tmp_path.rglob("*.wandb")
    read = subprocess.run(
        [str(Path(sys.executable).parent / "wandb"), "leet", "inspect", "--json", str(path)],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert read.returncode == 0, read.stderr
    sent = ("test/perplexity", "latency", "stand_in", "baseline/4-gram+cache/perplexity", "harmonypredictor")
    for text in (
        *sent,
        "baselines.table.json",
        "confusion/",
        "media/html/report_",
        '"job_type":"train"',
        '"tags":["harmony"',
    ):
        assert text in read.stdout, text
