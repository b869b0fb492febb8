"""What a search may vary: ranges in Hydra's words, of the command line and of conf/search/<model>.yaml."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, Override, RangeSweep
from hydra.errors import HydraException

from kmidi_lab.conf_dir import config_file, options
from kmidi_lab.errors import ConfigError, first_line, one_of
from kmidi_lab.own_yaml import own_yaml


@dataclass(frozen=True)
class Span:
    """Numbers from `low` to `high`, both included; `log`: as many below the geometric mean as above; `whole`: integers."""

    key: str
    low: float
    high: float
    log: bool = False
    whole: bool = False

    def points(self, count: int) -> list[str]:
        """Values from end to end, as they are typed."""
        low, high = (math.log(v) if self.log else v for v in (self.low, self.high))
        steps = [low + (high - low) * i / max(1, count - 1) for i in range(count)]
        values = [self.text(math.exp(v) if self.log else v) for v in steps]
        return list(dict.fromkeys(values))

    def text(self, value: float) -> str:
        """A value as it is typed."""
        return str(round(value)) if self.whole else f"{value:.5g}" if value else "0.0"

    def of(self, value: object) -> float | None:
        """A config's value as one of this range; None for one outside."""
        fits = isinstance(value, int | float) and self.low <= value <= self.high
        return value if fits else None  # type: ignore[return-value]


@dataclass(frozen=True)
class Choice:
    """A few values, as they are typed."""

    key: str
    values: tuple[str, ...]

    def points(self, count: int) -> list[str]:
        """All of them, whatever the count."""
        return list(self.values)

    def text(self, value: str) -> str:
        """A value as it is typed."""
        return value

    def of(self, value: object) -> str | None:
        """A config's value as one of these; None for another."""
        same = {v.replace(" ", ""): v for v in self.values}
        return same.get(str(value).replace(" ", ""))


Dimension = Span | Choice


_MOST_JOBS = 200


def is_search(words: Iterable[str]) -> bool:
    """Whether a command's ranges come from conf/search as well."""
    return [word for word in words if word.startswith("sweep=")][-1:] in (["sweep=optuna"], ["sweep=grid"])


def grid(dimensions: Sequence[Dimension], points: int) -> list[list[str]]:
    """Every combination of a few points of each. Raises ConfigError: too many."""
    choices = [[f"{d.key}={point}" for point in d.points(points)] for d in dimensions]
    count = math.prod(map(len, choices))
    if count > _MOST_JOBS:
        key = dimensions[0].key
        raise ConfigError(
            f"sweep=grid: {count} combinations, at most {_MOST_JOBS} are allowed; name fewer keys, as in sweep.only=[{key}]"
        )
    return [list(combination) for combination in product(*choices)]


def split(words: Iterable[str]) -> tuple[list[str], list[Dimension]]:
    """The overrides that name one value, and what the others may be.

    Raises:
        ConfigError: a range that can't be read.
    """
    try:
        parsed = OverridesParser.create().parse_overrides(list(words))
        fixed = [str(o.input_line) for o in parsed if not o.is_sweep_override()]
        return fixed, [_dimension(o) for o in parsed if o.is_sweep_override()]
    except HydraException as error:
        raise ConfigError(f"{first_line(error)}; write a range as key=interval(0,1) or key=choice(a,b)") from None


def searched(words: Sequence[str], model: str, keys: Sequence[str] | None) -> tuple[list[str], list[Dimension]]:
    """The fixed overrides, and all that is searched: what is typed, then what the model's file says of other keys.

    Args:
        words: of the command line.
        model: whose file in conf/search is read.
        keys: of that file, which are searched; None for all.

    Raises:
        ConfigError: a key that the file does not have, or nothing to search.
    """
    fixed, dimensions = split(words)
    typed = {word.partition("=")[0] for word in words}
    declared = read(model)
    for key in keys or ():
        if key not in declared:
            raise ConfigError(one_of("sweep.only", key, declared, f"They are those of conf/search/{model}.yaml"))
    chosen = {k: v for k, v in declared.items() if k not in typed and (keys is None or k in keys)}
    dimensions += split(f"{key}={text}" for key, text in chosen.items())[1]
    if not dimensions:
        raise ConfigError(
            f"nothing to search: type ranges, such as model.module.dropout=interval(0,0.4), or write conf/search/{model}.yaml"
        )
    return fixed, dimensions


def read(model: str) -> Mapping[str, str]:
    """The ranges of conf/search/<model>.yaml by key; none where there is no such file."""
    if model not in options("search"):
        return {}
    declared = own_yaml(config_file("search", model)) or {}
    return {str(key): str(text) for key, text in declared.items()}


def ends(dimensions: Sequence[Dimension]) -> list[list[str]]:
    """The overrides at both ends of every range, and each choice: if those can be, all can."""
    points = [d.points(2) for d in dimensions]
    count = max(map(len, points))
    return [
        [f"{d.key}={own[min(i, len(own) - 1)]}" for d, own in zip(dimensions, points, strict=True)]
        for i in range(count)
    ]


def _dimension(override: Override) -> Dimension:
    value, key = override.value(), str(override.get_key_element())
    if isinstance(value, IntervalSweep):
        low, high = value.start, value.end
        assert low is not None and high is not None
        whole = (
            isinstance(low, int)
            and isinstance(high, int)
            and "int" in str(override.input_line)[len(key) :].split("interval")[0]
        )
        return _span(key, float(low), float(high), "log" in value.tags, whole)
    if isinstance(value, RangeSweep):
        low, high, step = value.start, value.stop, value.step
        if isinstance(low, int) and isinstance(high, int) and step == 1:
            return _span(key, low, high - 1, "log" in value.tags, True)
    assert isinstance(value, ChoiceSweep | RangeSweep) or override.is_discrete_sweep()
    return Choice(key, tuple(str(v) for v in override.sweep_string_iterator()))


def _span(key: str, low: float, high: float, log: bool, whole: bool) -> Span:
    if not low < high or not all(map(math.isfinite, (low, high))) or (log and low <= 0):
        raise ConfigError(f"{key}: from {low:g} to {high:g} is no range{' that can be logarithmic' if log else ''}")
    return Span(key, low, high, log, whole)
