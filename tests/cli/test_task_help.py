"""`--help task=…`: what each task does, and every setting of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest
import yaml

from kmidi_lab.conf_dir import config_file, options
from kmidi_lab.errors import ConfigError
from kmidi_lab.task_help import task_help


def settings(group: str, choice: str, *blocks: str) -> set[str]:
    """Keys of the blocks of a config file as PyYAML reads it; of all blocks but Hydra's where none is named."""
    config = yaml.safe_load(config_file(group, choice).read_text(encoding="utf-8"))
    chosen = {name: own for name, own in config.items() if isinstance(own, dict) and name != "hydra"}
    return {f"{name}.{key}" for name, own in chosen.items() if name in (blocks or chosen) for key in own} - {
        f"{name}._target_" for name in chosen
    }


def told(text: str) -> set[str]:
    return {line.split("=")[0].strip() for line in text.splitlines() if line.startswith("  ") and line[2] != " "}


@pytest.mark.parametrize("task", options("task"))
def test_a_task_tells_what_it_does_and_all_of_its_settings(task: str) -> None:
    text = task_help(task)
    assert text.partition(f"task={task}: ")[2][:1].isupper(), "its config file begins with a comment"
    assert settings("task", task) <= told(text)
    assert bool(told(text)) != ("It has no settings of its own." in text)
    assert all(len(line) <= 120 for line in text.splitlines())


@pytest.mark.parametrize("model", [None, "melody", "microtiming"])
def test_predict_tells_the_settings_of_a_model(model: str | None) -> None:
    of_model = settings("model", model or "harmony", "predict")
    assert told(task_help("predict", model)) == of_model | settings("task", "predict")


def test_a_long_comment_stands_beside_its_setting() -> None:
    text = task_help("retrain")
    assert "  retrain.held_out=0.25           share of the feedback that is not learnt from: whole users" in text
    assert f"\n{'':34}whole items\n" in text


def test_what_there_is_none_of_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"task: 'retrian' is not allowed\. Did you mean 'retrain'"):
        task_help("retrian")
    with pytest.raises(ConfigError, match=r"model: 'melodie' is not allowed\. Did you mean 'melody'"):
        task_help("predict", "melodie")


def test_the_command_line_answers(called: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = called("task=retrain", "--help")
    assert (done.returncode, done.stdout) == (0, f"{task_help('retrain')}\n")
    assert "its settings: --help task=NAME" in called("--help").stdout
