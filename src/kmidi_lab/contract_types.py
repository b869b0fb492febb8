"""What a contract is made of: named slices of floats, the values that they may hold, and its versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from kmidi_lab.contract_features import AUDIO_FEATURES, LEVEL_FEATURES, SPEAKER_FEATURES, TEXT_FEATURES
from kmidi_lab.errors import ConfigError

CONTRACT_VERSION = "contract_version"
"""The key of a version in a checkpoint and in a registry entry."""


@dataclass(frozen=True)
class Values:
    """Which values an input slice may hold; artefacts are proved on these, and what others give is not defined.

    `range`: each from `low` to `high`. `one-hot`: a single 1, or zeros where nothing is known. `weighted`: a single value
    above 0, up to 1, or zeros. `circle`: pairs of sine
    and cosine of an angle, or zeros. `key`: sine and cosine of one of twelve tonics or zeros, then a mode of -1, 0 or 1.
    `mood`: from -1 to 1, the last, complexity, from 0 to 1; zeros are neutral and stand for an unknown mood, too.
    """

    kind: str
    low: float = -1.0
    high: float = 1.0

    def __str__(self) -> str:
        return f"{self.low:g}..{self.high:g}" if self.kind == "range" else self.kind


_KINDS = ("range", "one-hot", "weighted", "circle", "key", "mood")
SIGNED, UNIT, TWICE = Values("range"), Values("range", 0.0), Values("range", -2.0, 2.0)
TWICE_UNIT = Values("range", 0.0, 2.0)
ONE_HOT, WEIGHTED = Values("one-hot", 0.0), Values("weighted", 0.0)
CIRCLE, KEY, MOOD = Values("circle"), Values("key"), Values("mood")
LOG_MEL = Values("range", -13.82, 10.0)
"""From ln 1e-6, the front end's floor, to above what a full-scale sound gives in any band (9.8)."""
ADAPTED_MEL = Values("range", -18.0, 18.0)
"""A mel frame less means that it may be as far from as silence is from a full-scale sound, with a margin."""


@dataclass(frozen=True)
class Slice:
    """A named run of floats `[start, stop)` in an input or output vector; `values` is what an input may hold."""

    name: str
    start: int
    stop: int
    meaning: str
    values: Values = SIGNED

    @property
    def size(self) -> int:
        return self.stop - self.start

    @property
    def index(self) -> slice:
        return slice(self.start, self.stop)


def slices(*parts: tuple[str, int, str] | tuple[str, int, str, Values]) -> tuple[Slice, ...]:
    out, at = [], 0
    for part in parts:
        name, size, meaning = part[:3]
        out.append(Slice(name, at, at + size, meaning, part[3] if len(part) == 4 else SIGNED))
        at += size
    return tuple(out)


def with_meaning(slices: tuple[Slice, ...], **meanings: str) -> tuple[Slice, ...]:
    """The same slices, those named with another meaning."""
    return tuple(replace(s, meaning=meanings.get(s.name, s.meaning)) for s in slices)


@dataclass(frozen=True)
class Contract:
    """What KmiDi expects of one model."""

    model: str
    id: str
    task: str
    inputs: tuple[Slice, ...]
    outputs: tuple[Slice, ...]
    budget_ms: float
    params_hint: str
    network: str
    state: str
    features: str
    output_kind: str
    version: str = "1"
    head: bool = False
    """A linear map in `<id>.head.json` reads something out of the output."""
    earlier: tuple[Contract, ...] = ()
    """What it was before; models of these are still asked, scored and checked, and no longer trained."""

    def __post_init__(self) -> None:
        for side in (self.inputs, self.outputs):
            if side[0].start != 0 or any(a.stop != b.start for a, b in pairwise(side)):
                raise ValueError(f"{self.id}: slices must follow each other without gaps")
        for part in self.inputs:
            kind = part.values.kind
            if kind not in _KINDS or (kind == "key" and part.size != 3) or (kind == "circle" and part.size % 2):
                raise ValueError(
                    f"{self.id}: {part.name} can't hold {kind!r}; kinds are {', '.join(_KINDS)}; a key has 3 values, "
                    "circles have pairs"
                )

    @property
    def input_size(self) -> int:
        return self.inputs[-1].stop

    @property
    def output_size(self) -> int:
        return self.outputs[-1].stop

    @property
    def listens(self) -> bool:
        """Whether it takes frames of sound."""
        return self.features in (AUDIO_FEATURES, LEVEL_FEATURES, SPEAKER_FEATURES)

    @property
    def reads(self) -> bool:
        """Whether it takes texts, through a table that was trained with it and lies beside it."""
        return self.features == TEXT_FEATURES

    @property
    def streaming(self) -> bool:
        return self.state != "none"

    def at(self, version: object) -> Contract:
        """This contract as it was in a version.

        Raises:
            ConfigError: a version that this lab does not know.
        """
        versions = {c.version: c for c in (*self.earlier, self)}
        if str(version) not in versions:
            raise ConfigError(
                f"{self.id}: made for version {str(version)[:40]!r} of its contract, and this kmidi_lab knows "
                f"{', '.join(versions)}; update kmidi_lab or train the model again"
            )
        return versions[str(version)]

    def input(self, name: str) -> Slice:
        return _find(self.id, self.inputs, name)

    def output(self, name: str) -> Slice:
        return _find(self.id, self.outputs, name)


def version_told(file: Mapping[str, Any]) -> object:
    """The contract's version that a checkpoint or a registry entry tells.

    Those of the first releases tell none, and are of version 1.
    """
    return file.get(CONTRACT_VERSION, "1")


def _find(model_id: str, slices: tuple[Slice, ...], name: str) -> Slice:
    for s in slices:
        if s.name == name:
            return s
    raise KeyError(f"{model_id} has no slice {name!r}; it has {', '.join(s.name for s in slices)}")
