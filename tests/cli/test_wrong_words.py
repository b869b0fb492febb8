"""What can't be meant on the command line: one line, exit code 2, nothing begun."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st

from kmidi_lab import command_line, config
from kmidi_lab.__main__ import main
from kmidi_lab.errors import ConfigError


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept_logging: None) -> Path:
    monkeypatch.chdir(tmp_path)
    for key in ("DATA_ROOT", "MODELS_ROOT", "OUTPUT_ROOT"):
        monkeypatch.delenv(key, raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("model=null", "Allowed: dynamics,"),
        ("model=", "Allowed: dynamics,"),
        ("model=[harmony,melody]", "Allowed: dynamics,"),
        ("task=null", "Allowed: adapt, bench,"),
        ("hydra/launcher=null", "hydra/launcher=joblib"),
        ("seed=${nope}", "none is named 'nope'"),
        ("task=compose compose.text=${x}", "compose.text: ${x} stands for another setting, and none is named 'x'"),
        ("task=compose 'compose.text=a ${x} b'", "compose.text: ${x} stands for another setting"),
        ("task=compose compose.text=${x", "compose.text=${x: ${ begins the name of another setting"),
        ("task=compose compose.text=???", "must be given"),
        ("data.batch_size=${nope}", "data.batch_size"),
        ("seed=${seed}", "seed"),
        ("seed=???", "must be given"),
        ("model=harmony =5", "without a space"),
        (
            "task=compose compose.text=a happy tune",
            "'happy' has no key: a text with spaces needs quotes; type 'compose.text=a happy tune'",
        ),
        ("task=predict predict.chords=Dm7 G7 seed=3", "needs quotes; type 'predict.chords=Dm7 G7'"),
        ("task=compose harmony compose.text=a", "write overrides as key=value"),
        ("hardware.memory_budget_gb=nan", "hardware.memory_budget_gb=nan must be"),
        ("hardware.memory_budget_gb=inf", "hardware.memory_budget_gb=inf must be"),
        ("-m launcher=joblib seed=1,2 hydra.launcher.n_jobs=99999", "hydra.launcher.n_jobs=99999 must be at most"),
        ("-m launcher=workers seed=1,2 hydra.launcher.n_jobs=0", "hydra.launcher.n_jobs=0 must be 1 or more"),
        ("-m launcher=workers seed=1,2 hydra.launcher.n_jobs=many", "hydra.launcher.n_jobs='many' must be of type int"),
        ("-m sweep=folds model=harmony", "sweep=folds varies data.fold"),
        ("-m data.fold=1,2 model=harmony", "'data.fold' does not exist"),
        ("-m task=info hydra.sweep.subdir=x", "hydra.sweep.dir="),
        ("hydra.mode=MULTIRUN", "type -m"),
        ("--config-name x", "type --config-dir DIR, too"),
        ("--config-path x", "--config-dir"),
        ("--experimental-rerun job.pickle", "could run anything"),
        ("--nope", "unrecognized arguments: --nope"),
        ("model.name=groove", "type model=groove"),
        ("trainer.limit_train_batches=1.5", "share of them"),
        ("trainer.limit_train_batches=50.0", "share of them"),
        ("trainer.limit_train_batches=true", "trainer.limit_train_batches"),
        ("trainer.limit_train_batches=nan", "share of them"),
        ("export.source=x", "type task=export"),
        ("task=predict trainer.resume=x", "type task=train"),
        ("task=info paths.output_root=file", "file/info/harmony"),
        ("-m task=info seed=1,2 hydra.sweep.dir=file", "file: can't be written"),
        ("task=compose compose.seed=1 compose.seed=2", "compose.seed=1 and compose.seed=2: a key has one value"),
        ("task=retrain model=groove feedback=events.jsonl", "type retrain.feedback=events.jsonl"),
        (
            "task=compose feedback.import=x",
            "feedback.import belongs to task=feedback; type task=feedback feedback.import=",
        ),
        ("task=predict predict.seed=3", "'predict.seed' does not exist; seed stands in no block: type seed=3"),
        ("task=serve serve.models_root=x", "type models_root=x"),
        ("task=compose compose.sed=3", "Allowed here: compose.ask,"),
        ("task=compose compose.model=groove", "Allowed here: compose.ask,"),
        ("model=harmony task=info model=groove", "model=harmony and model=groove: a key has one value"),
        ("-m task=info seed=1,2 seed=3", "seed=1,2 and seed=3: a key has one value"),
        ("+trainer.strategy=ddp trainer.more.strategy=auto", "a key has one value"),
        ("task=info -cd file --config-dir other", "--config-dir is typed twice, with file and other"),
        ("task=queue data.root=.", "task=queue needs a model; type task=queue model=… with one of dynamics,"),
        ("task=monitor", "task=monitor needs a model"),
        ("task=label label.page=true", "task=label needs a model"),
        ("task=adapt", "task=adapt needs a model"),
        ("task=retrain", "task=retrain needs a model"),
        ("-m task=info,serve", "task=serve serves until Ctrl-C, so no job of a sweep would follow it"),
        ("-m task=collect collect.port=1025,1026", "type it without -m"),
        ("-m task=label model=intent label.page=true seed=1,2", "task=label serves until Ctrl-C"),
        ("-m task=train sweep.resume=", "sweep.resume is empty"),
    ],
)
def test_one_line_and_exit_2(here: Path, capsys: pytest.CaptureFixture[str], words: str, said: str) -> None:
    (here / "file").touch()
    assert main(shlex.split(words)) == 2
    heard = capsys.readouterr()
    assert said in heard.err
    assert heard.err.count("\n") == 1 and not heard.out
    assert [p.name for p in here.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("task=serve serve.host=999.1.1.1", "serve.host=999.1.1.1, serve.port=8765: can't be listened on"),
        ("task=collect collect.host=999.1.1.1", "collect.host=999.1.1.1, collect.port=8766: can't be listened on"),
        ("task=label model=intent label.page=true label.host=999.1.1.1", "label.host=999.1.1.1, label.port=8767"),
        ("hardware=cpu +trainer.strategy=nonsense", "trainer: You selected an invalid strategy name"),
        ("hardware=cpu +trainer.benchmark=[1]", "trainer: set_benchmark_cudnn expects a bool"),
        ("hardware=cpu +logger.more.x._target_=lightning.pytorch.loggers.CSVLogger +logger.more.x.nope=1", "'nope'"),
        ("hardware=cpu +trainer.enable_checkpointing=false", "trainer: Trainer was configured with"),
        ("hardware=cpu +callbacks.x._target_=kmidi_lab.schema.Paths", "Callback is wanted there"),
        ("hardware=cpu +callbacks.x=5", "_target_ is wanted"),
        ("hardware=cpu +logger.more.x=5", "no name of a class"),
        ("hardware=cpu +logger.more.x._target_=kmidi_lab.schema.Paths", "Logger"),
    ],
)
def test_one_line_and_exit_2_before_the_task_begins(
    here: Path, capsys: pytest.CaptureFixture[str], words: str, said: str
) -> None:
    assert main(shlex.split(words)) == 2
    heard = capsys.readouterr()
    assert said in heard.err
    assert heard.err.count("\n") == 1 and not heard.out
    assert [p.name for p in here.rglob("*")] in ([], ["outputs"])


def test_a_key_may_stand_twice_with_the_same_value_and_be_replaced() -> None:
    command_line.check_once(["seed=1", "seed=1", "~callbacks.a", "+callbacks.a=b", "compose.text=a=b"])
    command_line.check_model(["task=queue", "experiment=harmony_real"])


def test_a_working_directory_that_is_gone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    assert main(["task=info"]) == 2
    assert capsys.readouterr().err.startswith("error: the working directory is gone")


@pytest.mark.parametrize("words", ["seed=1,2 -m task=info", "-m seed=1,2 task=info", "seed=1,2 task=info --multirun"])
def test_overrides_stand_on_both_sides_of_an_option(words: str) -> None:
    parsed = command_line.parse(shlex.split(words))
    assert (set(parsed.overrides), command_line.options(parsed)) == ({"seed=1,2", "task=info"}, ["--multirun"])


@pytest.mark.slow
def test_a_number_of_batches_and_a_share_of_them_are_told_apart() -> None:
    for word, kind in (("1", int), ("1.0", float), ("0.5", float), ("50", int)):
        [cfg] = config.check([f"trainer.limit_train_batches={word}"], False)
        assert type(cfg.trainer.limit_train_batches) is kind
    with pytest.raises(ConfigError, match="or more"):
        config.check(["trainer.limit_train_batches=0"], False)


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\n\r\0$"), min_size=1).filter(lambda t: t[0] not in "'\"")
)
def test_a_path_is_taken_as_it_is_typed(path: str) -> None:
    """Backslashes, quotes and all; `$` begins what Hydra looks up."""
    if path.strip() != path or path == "null":
        return
    [parsed] = OverridesParser.create().parse_overrides([command_line.quote_free_text(f"eval.out={path}")])
    assert str(parsed.value()) == path


def test_an_empty_folder_of_the_environment_is_not_set(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / ".env").write_text("DATA_ROOT=\nOUTPUT_ROOT=from_file\n", encoding="utf-8")
    for key in ("DATA_ROOT", "MODELS_ROOT", "OUTPUT_ROOT"):
        monkeypatch.setenv(key, "")
    assert main(["task=info", "--cfg", "job"]) == 0
    said = capsys.readouterr().out
    assert "data_root: ${oc.env:DATA_ROOT,data}" in said
    assert not {"DATA_ROOT", "MODELS_ROOT"} & set(os.environ)
    assert os.environ["OUTPUT_ROOT"] == "from_file"
