"""What is told before anything runs: the help, and what is refused by one line."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Cli


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
