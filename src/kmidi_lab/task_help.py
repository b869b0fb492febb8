"""What `--help task=…` prints: what the task does, and its own settings with what their comments say.

The config files are read as text, since YAML takes too long to import.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator

from kmidi_lab import __version__
from kmidi_lab.conf_dir import conf_dir, config_file, options
from kmidi_lab.errors import ConfigError, one_of
from kmidi_lab.help_text import comment

_DEFAULT = re.compile(r"^  - model: (\w+)$", re.MULTILINE)
"""What the main config says of the model."""
_GROUPS = {"train": "trainer", "export": "export"}
"""Tasks whose settings stand in a config group of their own."""
_BLOCK = re.compile(r"^(\w+):(?: *#.*)?$")
_SETTING = re.compile(r"^(\w+): *(.*?)(?: +# (.*))?$")
_WIDTH, _COLUMN = 120, 34


def task_help(task: str, model: str | None = None) -> str:
    """The whole text.

    Args:
        task: of which.
        model: whose settings of task=predict are shown; None is the default model's.

    Raises:
        ConfigError: no such task or model.
    """
    for group, choice in (("task", task), ("model", model)):
        if choice is not None and choice not in options(group):
            raise ConfigError(one_of(group, choice, options(group)))
    lines = textwrap.wrap(f"kmidi_lab {__version__}, task={task}: {comment(config_file('task', task))}", _WIDTH)
    settings = [line for setting in _settings(task, model or _default_model()) for line in _told(*setting)]
    lines += ["", *(["settings (key=value)", *settings] if settings else ["It has no settings of its own."])]
    if task == "predict" and model is None:
        lines += ["", f"These are those of model={_default_model()}; of another: --help task=predict model=…"]
    return "\n".join([*lines, "", f"all settings of a command: task={task} --cfg job   models, data, examples: --help"])


def _settings(task: str, model: str) -> Iterator[tuple[str, str, str]]:
    """(key, value, comment) of each setting."""
    yield from _in_blocks(config_file("task", task).read_text(encoding="utf-8").splitlines())
    if task == "predict":
        of_model = _in_blocks(config_file("model", model).read_text(encoding="utf-8").splitlines())
        yield from (setting for setting in of_model if setting[0].startswith("predict."))
    if task in _GROUPS:
        lines = config_file(_GROUPS[task], "default").read_text(encoding="utf-8").splitlines()
        yield from _in_blocks([f"{_GROUPS[task]}:", *(f"  {line}" for line in lines)])


def _default_model() -> str:
    found = _DEFAULT.search((conf_dir() / "config.yaml").read_text(encoding="utf-8"))
    assert found, "the main config names a model"
    return found[1]


def _in_blocks(lines: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """The settings that stand in a block; what is nested deeper belongs to classes, and is not told."""
    block = ""
    for line in lines:
        if found := _BLOCK.match(line):
            block = found[1]
        setting = _SETTING.match(line.removeprefix("  ")) if line.startswith("  ") else None
        if setting and block != "hydra" and setting[1] != "_target_":
            yield f"{block}.{setting[1]}", setting[2], setting[3] or ""


def _told(key: str, value: str, about: str) -> list[str]:
    """The lines of one setting: what it is, and beside it what its comment says."""
    left = f"  {key}={value}"
    wrapped = textwrap.wrap(about, _WIDTH - _COLUMN) or [""]
    first = [left] if len(left) >= _COLUMN else []
    beside = [f"{'' if first or at else left:<{_COLUMN}}{text}".rstrip() for at, text in enumerate(wrapped)]
    return [*first, *(line for line in beside if line)]
