"""The Python API: `kmidi_lab.load(model)`."""

from __future__ import annotations

import os
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from kmidi_lab.conf_dir import conf_dir
from kmidi_lab.errors import ConfigError, RegistryError, one_of
from kmidi_lab.files import with_home
from kmidi_lab.inference.published import Published, load_published
from kmidi_lab.inference.request import Request, Session
from kmidi_lab.inference.roots import default_root
from kmidi_lab.targets import find


class Model:
    """A published model to ask.

    `name` is its short name, `root` the folder it was read from, `entry` what the registry says of it, and `warnings`
    is what whoever uses it should know.
    """

    def __init__(self, name: str, root: Path, published: Published, request: type[Request[Any]]) -> None:
        self.name, self.root, self.entry = name, root, published.entry
        self.warnings: list[str] = published.warnings()
        self._published, self._request = published, request

    def predict(self, *args: Any, seed: int = 1, **kwargs: Any) -> Any:
        """The answer to one question; nothing is kept for the next one.

        Args:
            args, kwargs: those of the class that `predict._target_` in conf/model/<name>.yaml names: the keys of
                `predict` there.
            seed: of what is drawn; the same seed gives the same answer.

        Raises:
            UserError: what is asked, or asked about, can't be used.
        """
        request = self._request(*map(_at_home, args), **{name: _at_home(value) for name, value in kwargs.items()})
        cache = Path(os.environ.get("OUTPUT_ROOT") or "outputs") / "cache"
        published = replace(self._published, model=copy(self._published.model))
        return request.run(published, Session(self.name, Path(), cache, seed))

    def stream(self, **settings: Any) -> Any:
        """The model for live use: `push(…)` answers and keeps the state for the next call, `reset()` begins anew.

        Args:
            settings: of the model's stream; most take none. Streams know nothing of each other.
        """
        return self._request.stream(self._published, **settings)


def _at_home(value: Any) -> Any:
    """`~` of a path as the home folder; anything else as it is."""
    return type(value)(with_home(str(value))) if isinstance(value, str | Path) else value


def load(model: str, models_root: str | Path | None = None) -> Model:
    """A published model by its short name, such as `harmony`.

    Args:
        model: a file of conf/model.
        models_root: a folder with a registry. By default MODELS_ROOT of the environment where it has one, else the
            release that comes with the package.

    Raises:
        ConfigError: no such model. RegistryError: it isn't published there, or its files are broken.
    """
    names = sorted(path.stem for path in (conf_dir() / "model").glob("*.yaml"))
    if model not in names:
        raise ConfigError(one_of("model", model, names))
    root = Path(_at_home(str(models_root))) if models_root is not None else default_root()
    published = load_published(root, model) if root else None
    if root is None or published is None:
        raise RegistryError(f"no trained {model} model in {root or 'this package'}; train one, or name its folder")
    declared = yaml.safe_load((conf_dir() / "model" / f"{model}.yaml").read_text(encoding="utf-8"))
    if "predict" not in declared:
        raise ConfigError(f"the {model} model can't be asked: its config has no predict; load another")
    return Model(model, root, published, find(declared["predict"]["_target_"], Request, ()))
