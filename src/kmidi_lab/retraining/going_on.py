"""What a retraining learns from, kept in its run's folder, so that one that was stopped goes on with the same and nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from kmidi_lab.errors import ConfigError, DataError
from kmidi_lab.feedback.event import Event
from kmidi_lab.files import write_atomic
from kmidi_lab.registry.files import read_bounded
from kmidi_lab.typed_json import MisfitError, from_json
from kmidi_lab.wording import many

FILE = "lessons.json"
KEY = "trainer.resume"
_BEGIN = f"leave out {KEY} to begin again"
_PLACES = ("feedback", "recordings")


@dataclass(frozen=True)
class Basis:
    """One retraining: the SHA-256 of the file it starts from, its settings, and the ids of the events in their order.

    `recordings` are the SHA-256 of those that it has heard, for a model that hears them.
    """

    from_sha256: str
    settings: dict[str, Any]
    events: list[str]
    recordings: list[str] = field(default_factory=list)

    def write(self, folder: Path) -> None:
        """Readable by its owner alone. Raises FileError as `write_atomic`."""
        write_atomic(folder / FILE, json.dumps(asdict(self)).encode(), mode=0o600)


def settings_of(node: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """All of `retrain` but where events and recordings lie, and the seed."""
    return {f"retrain.{key}": value for key, value in node.items() if key not in _PLACES} | {"seed": seed}


def begun(source: str) -> Basis:
    """What the retraining that `trainer.resume` names began with. Raises ConfigError: it is none."""
    path = Path(source)
    folder = path if path.is_dir() else path.parent.parent
    try:
        return from_json(Basis, json.loads(read_bounded(folder / FILE)))
    except (OSError, ValueError, RecursionError, MisfitError):
        raise ConfigError(
            f"{KEY}={source}: no retraining that can go on; give a folder of outputs/retrain, or {_BEGIN}"
        ) from None


def events_again(source: str, from_sha256: str, settings: Mapping[str, Any], events: Sequence[Event]) -> list[Event]:
    """Of today's events those that the retraining began with, so that none that it has held out is learnt from.

    Args:
        source: what `trainer.resume` says: its run folder, or a checkpoint in it.
        from_sha256: of the released file.
        settings: as `settings_of`.
        events: of the store.

    Raises:
        ConfigError: no retraining, other settings, or a model that is no longer the released one.
        DataError: events have been deleted since.
    """
    basis = begun(source)
    if basis.from_sha256 != from_sha256:
        raise ConfigError(f"{KEY}={source}: another model has been published since; {_BEGIN}")
    for key, value in settings.items():
        if basis.settings.get(key) != value:
            raise ConfigError(
                f"{KEY}={source}: began with {key}={basis.settings.get(key)}, not {value}; type that, or {_BEGIN}"
            )
    there = {event.event: event for event in events}
    gone = sum(event not in there for event in basis.events)
    if gone:
        raise DataError(f"{KEY}={source}: {many(gone, 'event')} of it can no longer be learnt from; {_BEGIN}")
    return [there[event] for event in basis.events]
