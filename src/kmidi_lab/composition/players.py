"""The released models as players of a song: each is asked by name, and what stood in for a missing one is remembered."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.inference.api import request_of
from kmidi_lab.inference.published import Published, load_published
from kmidi_lab.inference.request import Request
from kmidi_lab.inference.session import Session
from kmidi_lab.registry.registry import published_entry


@dataclass
class Player:
    """What a trace says of one model: how often it was asked, what, and by whom it was answered.

    `asked` holds the settings that all calls had in common, `answered` what the song took of the answers, both as JSON
    values; `own` is the status of a user's model that answers in the place of the released one.
    """

    model: str
    by: str
    fallback: bool
    sha256: str | None = None
    calls: int = 0
    asked: dict[str, Any] = field(default_factory=dict)
    answered: dict[str, Any] = field(default_factory=dict)
    own: str = ""


class Players:
    """Asks the models of one folder.

    Args:
        root: a folder with a registry; None, or one without a model, makes the model's own fallback answer.
        cache_dir: prepared data, which a rhythm may come from.
        spare: a folder for the models that `root` lacks.
    """

    def __init__(self, root: Path | None, cache_dir: Path, spare: Path | None = None) -> None:
        self._roots = list(dict.fromkeys(folder.resolve() for folder in (root, spare) if folder))
        self._cache_dir = cache_dir
        self._models: dict[str, tuple[type[Request[Any]], Published | None]] = {}
        self.trace: dict[str, Player] = {}

    def ask(self, model: str, seed: int = 1, **settings: Any) -> Any:
        """The answer of a model, or of what stands in for it, to the keys of `predict` in its config.

        Raises:
            UserError: what is asked can't be, or the model's files are broken.
        """
        request, published = self._of(model)
        fresh = published and replace(published, model=copy(published.model))
        answer = request(**settings).run(fresh, Session(model, Path(), self._cache_dir, seed))
        player = self.trace[model]
        player.calls += 1
        asked = {key: _plain(value) for key, value in settings.items()}
        player.asked = asked if player.calls == 1 else {k: v for k, v in player.asked.items() if asked.get(k) == v}
        return answer

    def given(self, model: str, **settings: Any) -> tuple[NDArray[np.float32], str | None] | None:
        """What a published model is given for a question, `[N]`, and the SHA-256 of its file.

        None where what stands in for it answers, or where it is not given one vector.
        """
        request, published = self._of(model)
        vector = request(**settings).vector(published) if published else None
        return None if vector is None else (vector, self.trace[model].sha256)

    def note(self, model: str, answered: Mapping[str, Any]) -> None:
        """Adds to a model's trace what the song took of its answers, as JSON values."""
        self.trace[model].answered.update(answered)

    def _of(self, model: str) -> tuple[type[Request[Any]], Published | None]:
        if model not in self._models:
            request = request_of(model)
            loaded = ((load_published(root, model), place) for place, root in enumerate(self._roots, 1))
            published, place = next((pair for pair in loaded if pair[0]), (None, 0))
            own = self._own(published, place) if published else ""
            by = published.contract.id if published else str(request.without_model)
            hashed = published.entry.get("files", {}) if published else {}
            onnx = published.entry["exports"]["onnx_path"] if published else ""
            self.trace[model] = Player(model, by, published is None, hashed.get(onnx, {}).get("sha256"), own=own)
            self._models[model] = request, published
        return self._models[model]

    def _own(self, published: Published, place: int) -> str:
        """The status of a model in whose place a folder from `place` on has another; empty where none has."""
        others = (published_entry(root, published.contract.id) for root in self._roots[place:])
        replaces = any(other and other["status"] != "stub" for other in others)
        return str(published.entry["status"]) if replaces else ""


def _plain(value: Any) -> Any:
    """A setting as JSON holds it; sound and MIDI by their size alone."""
    if isinstance(value, bytes):
        return f"{len(value)} bytes of MIDI"
    return value if isinstance(value, str | int | float | None) else f"{len(value)} values"
