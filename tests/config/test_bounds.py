"""Declared ranges: what is refused, in which words, and that nothing else about a class changes."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from annotated_types import Ge, Gt, Interval, MultipleOf

from kmidi_lab.bounds import Bounded, Count, Share, Sizes
from kmidi_lab.errors import ConfigError


class Base(Bounded):
    config_key = "model.module"

    def __init__(self, rate: Annotated[float, Interval(gt=0, le=1)], name: str = "") -> None:
        self.rate, self.name = rate, name


class Net(Base):
    """With a bound of its own, and one of its base."""

    def __init__(
        self,
        layers: Count = 3,
        dropout: Share = 0.1,
        sizes: Sizes = (64, 32),
        rate: float = 2e-3,
        tau: Annotated[float, Gt(0)] = 1.0,
        seed: Annotated[int, Interval(ge=0, lt=10)] = 0,
    ) -> None:
        super().__init__(rate)
        self.layers, self.sizes = layers, sizes


@dataclass(frozen=True)
class Settings(Bounded):
    config_key = "data.augment"
    width: Annotated[int, Ge(0)] = 16


@dataclass(frozen=True)
class MoreSettings(Settings):
    width: int = 8


@pytest.mark.parametrize(
    ("made", "arguments", "line"),
    [
        (Net, {"layers": 0}, "model.module.layers=0 must be 1 or more, such as model.module.layers=3"),
        (Net, {"layers": 2.5}, "model.module.layers=2.5 must be whole and 1 or more, such as model.module.layers=3"),
        (Net, {"dropout": 1.5}, "model.module.dropout=1.5 must be 0 to 1, such as model.module.dropout=0.1"),
        (Net, {"dropout": float("nan")}, "model.module.dropout=nan must be 0 to 1, such as model.module.dropout=0.1"),
        (Net, {"dropout": "much"}, "model.module.dropout=much must be 0 to 1, such as model.module.dropout=0.1"),
        (Net, {"rate": 5}, "model.module.rate=5 must be above 0 and at most 1, such as model.module.rate=0.002"),
        (Net, {"tau": 0}, "model.module.tau=0 must be above 0, such as model.module.tau=1.0"),
        (Net, {"seed": 10}, "model.module.seed=10 must be 0 or more and below 10, such as model.module.seed=0"),
        (
            Net,
            {"sizes": []},
            "model.module.sizes=[] must be a list of 1 or more values, each 1 or more, such as model.module.sizes=[64,32]",
        ),
        (
            Net,
            {"sizes": [4, 1.5]},
            "model.module.sizes=[4,1.5] must be a list of 1 or more values, each whole and 1 or more, "
            "such as model.module.sizes=[64,32]",
        ),
        (Base, {"rate": 0}, "model.module.rate=0 must be above 0 and at most 1"),
        (Settings, {"width": -1}, "data.augment.width=-1 must be 0 or more, such as data.augment.width=16"),
        (MoreSettings, {"width": -1}, "data.augment.width=-1 must be 0 or more, such as data.augment.width=8"),
    ],
)
def test_one_line_says_key_value_range_and_example(made: type, arguments: dict[str, Any], line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        made(**arguments)
    assert str(caught.value) == line


def test_arguments_by_place_are_checked_too() -> None:
    with pytest.raises(ConfigError, match="dropout=2"):
        Net(1, 2)


def test_the_ends_of_a_range_are_as_declared() -> None:
    net = Net(layers=1, dropout=0, sizes=[1], rate=1, seed=9)
    assert (net.layers, net.rate, net.sizes) == (1, 1, [1])


def test_other_mistakes_stay_the_constructors_own() -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'rate'"):
        Base()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword argument 'depth'"):
        Net(depth=0)  # type: ignore[call-arg]


def test_signature_copies_and_pickles_are_those_of_any_class() -> None:
    assert list(inspect.signature(Net).parameters) == ["layers", "dropout", "sizes", "rate", "tau", "seed"]
    base = Base(0.5, "a")
    for other in (copy.copy(base), copy.deepcopy(base), pickle.loads(pickle.dumps(base))):
        assert vars(other) == vars(base)
    assert pickle.loads(pickle.dumps(Settings(3))) == Settings(3)


def test_a_limit_of_another_kind_is_a_mistake_of_the_programmer() -> None:
    class Odd(Bounded):
        config_key = "data"

        def __init__(self, size: Annotated[int, MultipleOf(2)] = 2, sizes: Sequence[int] = ()) -> None: ...

    with pytest.raises(TypeError, match="MultipleOf"):
        Odd(size=4)
