"""Overrides, key=value: checked one by one, and spread over the jobs of a sweep."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import product

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, Quote, QuotedString
from hydra.errors import HydraException, OverrideParseException

from kmidi_lab.conf_dir import has_settings, is_setting, options
from kmidi_lab.errors import ConfigError, first_line, one_line, one_of

SAFE = r"[\w./+-]+"
"""Values that Hydra and a shell take as they are."""
_TEXT = re.compile(r"[^\x21-\x7e]")
"""A space, or a letter that is not ASCII: what numbers and names have not."""
_NO_TEXT = ("[", "{", "'", '"')
_OF_SHELLS = re.compile(r"[\"$`!\\]")
"""What a shell takes for more than itself between double quotes."""
_MOST_COMBINATIONS = 200
_OF_TASKS = {"export.source": ("export",), "export.spread": ("export",), "trainer.resume": ("train", "retrain")}
_FIXED = {
    "model.name": "belongs to the model; type model={value}",
    "hydra.mode": "is what -m sets; type -m",
    "hydra.sweep.subdir": "numbers the jobs, which the leaderboard reads; type hydra.sweep.dir=… to move the sweep",
}
"""Keys that are none of the user's to set, and why."""


_SEVERAL = ("logger", "callbacks")
"""Groups of which several choices can be typed at once, as logger=[csv,wandb]."""
_OPEN = ("trainer.more.", "callbacks.", "logger.more.", "model.module.", "model.evaluator.", "data.")
"""Where keys can be added by + and removed by ~: what a class is made with."""


def quoted(value: object) -> str:
    """A value as an override holds it, whatever signs are in it."""
    return str(QuotedString(str(value), Quote.single).with_quotes())


def as_value(value: object) -> str:
    """A value as an override holds it, quoted where Hydra would not take it as it is."""
    return str(value) if re.fullmatch(SAFE, str(value)) else quoted(value)


def unquoted(word: str) -> str:
    """An override without the quotes that the lab put around what was typed, where it needs none."""
    return re.sub(rf"='(?!(?:null|true|false|[\d.+-]+)')({SAFE})'$", r"=\1", word)


def values_of(override: Override) -> list[str]:
    """The overrides that one stands for: itself, or one for each value of a sweep."""
    if not override.is_sweep_override():
        return [str(override.input_line)]
    return [f"{override.get_key_element()}={value}" for value in override.sweep_string_iterator()]


def jobs(overrides: list[str], multirun: bool) -> list[tuple[str, ...]]:
    """The overrides of every job of a (multi)run. Raises ConfigError: what can't be read, or is not to be set here."""
    try:
        combinations = list(_combinations(overrides, multirun))
    except HydraException as error:
        raise ConfigError(
            f"{first_line(error)}; a sweep lists its values, such as seed=1,2,3; to search a range, add sweep=optuna"
        ) from None
    if not combinations:
        raise ConfigError("the sweep has no jobs; list the values of a key, such as seed=1,2,3")
    return combinations


def _combinations(overrides: list[str], multirun: bool) -> Iterator[tuple[str, ...]]:
    try:
        parsed = OverridesParser.create().parse_overrides(overrides)
    except (OverrideParseException, HydraException) as error:
        open_ended = next((o for o in overrides if o.rfind("${") > o.rfind("}")), None)
        if open_ended is not None:
            raise ConfigError(f"{open_ended}: ${{ begins the name of another setting; write it without ${{") from None
        raise ConfigError(_unread(overrides, error)) from None
    tasks = {str(v) for o in parsed if o.key_or_group == "task" for v in [o.value()]} or {"train"}
    choices: list[list[str]] = []
    for override in parsed:
        _check_override(override, tasks)
        block = override.key_or_group.split(".")[0]
        if block not in tasks and has_settings(block):
            own = next(
                (f"{task}." for task in sorted(tasks) if is_setting(task, override.key_or_group)), f"task={block} "
            )
            raise ConfigError(f"{override.key_or_group} belongs to task={block}; type {own}{override.input_line}")
        several = override.is_sweep_override()
        if several and not multirun:
            raise ConfigError(f"{override.input_line}: several values need -m; type -m {override.input_line}")
        if not several:
            _check_known(override)
        # What a glob stands for only Hydra's config loader knows.
        choices.append([] if several and "glob(" in str(override.input_line) else values_of(override))
    for number, combination in enumerate(product(*(c for c in choices if c))):
        if number >= _MOST_COMBINATIONS:
            return
        yield combination


def _unread(overrides: list[str], error: Exception) -> str:
    """Which word Hydra can't read, and how it is typed: a text with signs of its own has quotes within the shell's."""
    how = "write overrides as key=value, lists as key=[a,b]"
    odd = next((o for o in overrides if not _can_be_read(o)), None)
    if odd is None:
        return f"{first_line(error)}; {how}"
    key, _, value = odd.partition("=")
    whole = f"{key}={quoted(value)}"
    if _TEXT.search(value) and not value.startswith(_NO_TEXT) and _can_be_read(whole):
        how = "if it is a text, type " + (shlex.quote(whole) if _OF_SHELLS.search(whole) else f'"{whole}"')
    return f"{one_line(odd)}: can't be read; {how}"


def _can_be_read(override: str) -> bool:
    try:
        OverridesParser.create().parse_override(override)
    except HydraException:
        return False
    return True


def _check_override(override: Override, tasks: set[str]) -> None:
    """Raises ConfigError: no key, no name of a choice, or a key that is not to be set here."""
    key, line = override.key_or_group, str(override.input_line)
    values = (
        list(override.sweep_iterator()) if override.is_sweep_override() and "glob(" not in line else [override.value()]
    )
    if not key:
        raise ConfigError(f"{line!r} has no key; write key=value without a space")
    if "???" in values:
        raise ConfigError(f"{line}: ??? stands for a value that must be given; type one")
    if key in _FIXED:
        raise ConfigError(f"{line}: {key} {_FIXED[key].format(value=values[0])}")
    if key in _OF_TASKS and not tasks <= {*_OF_TASKS[key]} and any(values):
        raise ConfigError(
            f"{key} belongs to task={' and task='.join(_OF_TASKS[key])}; type task={_OF_TASKS[key][0]} {line}"
        )
    choices = options(key)
    if key in _SEVERAL and isinstance(values[0], list):
        values = values[0] or values
    odd = [v for v in values if not (isinstance(v, str | QuotedString) and str(v)) and (key, v) != ("experiment", None)]
    if odd and choices and not override.is_delete():
        raise ConfigError(one_of(key, "null" if odd[0] is None else odd[0], choices))
    if odd and key.startswith("hydra/"):
        raise ConfigError(f"{line}: {key} needs the name of a choice, such as hydra/launcher=joblib")


def _check_known(override: Override) -> None:
    """Raises ConfigError: a key that is added or removed where keys are fixed."""
    line = str(override.input_line)
    if line.startswith(("+", "~")) and not line.lstrip("+~").startswith(("hydra", *_OPEN)):
        raise ConfigError(
            f"{line}: keys can't be added or removed; type key=value with a key that --cfg job shows. Open are "
            f"{', '.join(f'{key}*' for key in ('trainer.', *_OPEN[1:]))}"
        )
