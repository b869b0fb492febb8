"""Words on the command line: Hydra's options, before, between and after the overrides, and the overrides as people type them."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from itertools import takewhile
from typing import Any, NoReturn

from omegaconf import OmegaConf

from kmidi_lab.conf_dir import MAIN, conf_dir, conf_dirs, main_config, models
from kmidi_lab.conf_dir import options as choices
from kmidi_lab.errors import ConfigError, one_line
from kmidi_lab.files import with_home
from kmidi_lab.overrides import quoted

_FLAGS = ("hydra_help", "resolve", "run", "multirun", "shell_completion")
_VALUES = ("cfg", "package", "info", "config_dir", "config_name")
_INFO = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")
_REFUSED = {
    "config_path": "--config-path: the lab's own conf/ is read; add your folder to it by --config-dir DIR",
    "experimental_rerun": "--experimental-rerun: a pickled job could run anything; type the command that the run.json names",
}
_ASK_WHICH = ("adapt", "label", "monitor", "queue", "retrain")
"""Tasks that learn from people's answers, or ask for them."""
_LONGEST = 80
"""Characters of a value in a line."""
_SWITCHES = ("predict.sound",)
"""What conf/task declares of `predict`: no text."""
_FREE_TEXT = (
    "paths.",
    "models_root=",
    "data.root=",
    "eval.",
    "export.source=",
    "export.spread=",
    "registry.",
    "feedback.",
    "label.file=",
    "monitor.store=",
    "trainer.resume=",
    "sweep.resume=",
    "sweep.storage=",
    "model.init_from=",
    "dashboard.runs=",
    "dashboard.out=",
    "dashboard.sweep=",
    "hub.push=",
    "hub.pull=",
    "hub.revision=",
    *(
        f"compose.{key}="
        for key in ("text", "intent", "chords", "key", "emotion", "style", "sections", "example", "audio", "out")
    ),
)


class _Once(argparse.Action):
    """An option with a value, which a second time would count instead of the first without a word."""

    def __call__(self, parser: Any, namespace: argparse.Namespace, values: Any, option: str | None = None) -> None:
        if getattr(namespace, self.dest) not in (None, values):
            parser.error(f"{option} is typed twice, with {getattr(namespace, self.dest)} and {values}; type it once")
        setattr(namespace, self.dest, values)


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Options and `overrides`, in any order. Raises ConfigError with one line."""
    parsed = _parser().parse_intermixed_args(list(words))
    for name, why in _REFUSED.items():
        if getattr(parsed, name, None) is not None:
            raise ConfigError(why)
    return parsed


def _parser() -> argparse.ArgumentParser:
    """Hydra's documented options; its own parser is none of its public parts, and takes them in another order."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.error = _refuse  # type: ignore[method-assign]
    parser.add_argument("overrides", nargs="*")
    for flag, *short in (
        ("--hydra-help",),
        ("--resolve",),
        ("--run", "-r"),
        ("--multirun", "-m"),
        ("--shell-completion", "-sc"),
    ):
        parser.add_argument(flag, *short, action="store_true")
    parser.add_argument("--cfg", "-c", choices=["job", "hydra", "all"])
    parser.add_argument("--info", "-i", nargs="?", const="all", choices=_INFO)
    for option, *short in (
        ("--package", "-p"), ("--config-dir", "-cd"), ("--config-name", "-cn"), ("--config-path", "-cp"),
        ("--experimental-rerun",),
    ):  # fmt: skip
        parser.add_argument(option, *short, action=_Once)
    return parser


def options(parsed: argparse.Namespace) -> list[str]:
    """The same options before all overrides, where Hydra takes them."""
    flags = [_option(name) for name in _FLAGS if getattr(parsed, name)]
    values = [(_option(name), str(getattr(parsed, name))) for name in _VALUES if getattr(parsed, name)]
    return [*flags, *(word for pair in values for word in pair)]


def config_options(parsed: argparse.Namespace) -> list[str]:
    """Those that name a config of the user's own, which the same job needs again."""
    both = (("--config-dir", parsed.config_dir), ("--config-name", parsed.config_name))
    return [word for option, value in both if value for word in (option, value)]


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _refuse(message: str) -> NoReturn:
    raise ConfigError(f"{message}; type --help for what there is")


def with_home_of(argument: str) -> str:
    """`key=value` with the home folder for `~` in the value, which a shell expands at the front of a word only."""
    key, eq, value = argument.partition("=")
    return f"{key}{eq}{with_home(value)}"


def into_trainer(argument: str) -> str:
    """`+trainer.strategy=ddp`, as Lightning's users type it, is an argument of the Trainer that the lab has no key for."""
    own = argument.lstrip("+")
    named = own != argument and own.startswith("trainer.") and not own.startswith("trainer.more.")
    return argument.replace("trainer.", "trainer.more.", 1) if named else argument


def quote_free_text(argument: str, multirun: bool = False) -> str:
    """Quotes values that people type as plain text (chords, paths), so that `#` and spaces need no escape.

    Of `predict`, text is what no model declares as a number.
    In a multirun a comma divides values to sweep, so such a value is left as it is.
    """
    key, eq, value = argument.partition("=")
    as_it_is = value[:1] in ("'", '"', "$") or value in ("", "null")
    if not eq or as_it_is or (multirun and "," in value) or not _is_free_text(argument.lstrip("+")):
        return argument
    return f"{key}={quoted(value)}"


def check_quotes(arguments: Sequence[str]) -> None:
    """Raises ConfigError: words without a key behind a text, which the shell has divided because nobody quoted it."""
    for place, before in enumerate(arguments):
        loose = list(
            takewhile(lambda word: "=" not in word and word[:1] not in ("~", "'", '"'), arguments[place + 1 :])
        )
        if loose and "=" in before and _is_free_text(before.lstrip("+")):
            whole = shlex.quote(" ".join([before, *loose]))
            raise ConfigError(
                f"{one_line(loose[0], _LONGEST)!r} has no key: a text with spaces needs quotes; type {one_line(whole)}"
            )


def _is_free_text(argument: str) -> bool:
    if not argument.startswith("predict."):
        return argument.startswith(_FREE_TEXT)
    key = argument.partition("=")[0]
    if key in _SWITCHES:
        return False
    name = key.removeprefix("predict.")
    return all(isinstance(model.get("predict", {}).get(name), str | None) for model in models(conf_dirs()).values())


def check_once(arguments: Sequence[str]) -> None:
    """Raises ConfigError: a key has two values, of which Hydra would take the last without a word."""
    values: dict[str, str] = {}
    for argument in arguments:
        typed, eq, value = argument.partition("=")
        key = typed.lstrip("+").strip()
        if not eq or argument.startswith("~") or not key:
            continue
        if (before := values.setdefault(key, value)) != value:
            both = " and ".join(f"{key}={one_line(v, _LONGEST)}" for v in (before, value))
            raise ConfigError(f"{both}: a key has one value; type it once")


def check_model(arguments: Sequence[str]) -> None:
    """Raises ConfigError: a task about people's answers names no model; those to the default one are seldom meant."""
    values = dict(a.split("=", 1) for a in arguments if "=" in a)
    task = values.get("task")
    if task in _ASK_WHICH and main_config() == MAIN and not values.keys() & {"model", "experiment"}:
        names = ", ".join(choices("model"))
        raise ConfigError(f"task={task} needs a model; type task={task} model=… with one of {names}")


def with_model(arguments: list[str]) -> list[str]:
    """The same with `model=…` where `data=…` alone is given and the default model can't take it: the first that can."""
    values = dict(a.split("=", 1) for a in arguments if "=" in a)
    if main_config() != MAIN or "data" not in values or "model" in values or "experiment" in values:
        return arguments
    default = next(d.model for d in OmegaConf.load(conf_dir() / "config.yaml").defaults if "model" in d)
    takers = [name for name, declared in models(conf_dirs()).items() if values["data"] in declared["model"]["accepts"]]
    return arguments if not takers or default in takers else [*arguments, f"model={takers[0]}"]
