"""The Python API: `kmidi_lab.load(model)` gives a published model to ask."""

from __future__ import annotations

import os
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from inspect import signature
from pathlib import Path
from typing import Any

from kmidi_lab.bounds import checked_seed
from kmidi_lab.conf_dir import conf_dir, models, outside
from kmidi_lab.contracts import CONTRACTS, register
from kmidi_lab.errors import ConfigError, RegistryError, one_of
from kmidi_lab.files import with_home
from kmidi_lab.inference.adapters import with_adapter
from kmidi_lab.inference.arguments import check_arguments, check_kinds
from kmidi_lab.inference.published import Published, default_root, load_published
from kmidi_lab.inference.request import Request
from kmidi_lab.inference.session import Session
from kmidi_lab.targets import find


class Model:
    """A published model to ask.

    `name` is its short name, `root` the folder it was read from, `entry` what the registry says of it, and `warnings`
    is what whoever uses it should know.
    """

    def __init__(self, name: str, root: Path, published: Published, request: type[Request[Any]]) -> None:
        self.name, self.root, self.entry = name, root, published.entry
        self.warnings: list[str] = request.warnings(published)
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
        check_arguments(self._request, args, kwargs)
        request = self._request(*map(_at_home, args), **{name: _at_home(value) for name, value in kwargs.items()})
        cache = Path(os.environ.get("OUTPUT_ROOT") or "outputs") / "cache"
        published = replace(self._published, model=copy(self._published.model))
        return request.run(published, Session(self.name, Path(), cache, checked_seed(seed)))

    def stream(self, **settings: Any) -> Any:
        """The model for live use: `push(…)` answers and keeps the state for the next call, `reset()` begins anew.

        Args:
            settings: of the model's stream; most take none. Streams know nothing of each other.

        Raises:
            ConfigError: a setting that the stream does not take, or out of range.
        """
        allowed = self._request.stream_settings()
        for name in settings:
            if name not in allowed:
                takes = (
                    one_of("stream", name, allowed) if allowed else f"stream: {name!r} is not allowed; it takes none"
                )
                raise ConfigError(takes)
        check_kinds(self._request, settings)
        return self._request.stream(self._published, **settings)


def _at_home(value: Any) -> Any:
    """`~` of a path as the home folder; anything else as it is."""
    return type(value)(with_home(str(value))) if isinstance(value, str | Path) else value


def request_of(model: str, config_dirs: Sequence[Path] = (), trusted: Sequence[str] = ()) -> type[Request[Any]]:
    """The class that `predict._target_` in a model's config names.

    Args:
        model: its short name.
        config_dirs: folders that are looked into beside the lab's own.
        trusted: top-level packages whose classes such a config may name.

    Raises:
        ConfigError: no such model, or its config names a class that it may not.
    """
    declared = models((conf_dir(), *config_dirs))
    if model not in declared:
        raise ConfigError(one_of("model", model, sorted(declared)))
    if "predict" not in declared[model]:
        raise ConfigError(f"the {model} model can't be asked: its config has no predict; load another")
    return find(declared[model]["predict"]["_target_"], Request, trusted)


def load(
    model: str,
    models_root: str | Path | None = None,
    config_dir: str | Path | None = None,
    trusted: Sequence[str] = (),
    adapter: str | Path | None = None,
    **others: object,
) -> Model:
    """A published model by its short name, such as `harmony`.

    Args:
        model: a file of conf/model, or of `model/` in `config_dir`.
        models_root: a folder with a registry. By default MODELS_ROOT of the environment where it has one, else the
            release that comes with the package.
        config_dir: a config folder of models from outside the lab, as `--config-dir` on the command line.
        trusted: top-level packages whose classes such a config may name; all their code is trusted.
        adapter: the folder of a user's own version of it, as task=adapt has written it.
        others: none; whatever is given here is refused by its name.

    Raises:
        ConfigError: no such model or argument, its config names a class that it may not, or the adapter is another release's.
        RegistryError: it isn't published there, or its files are broken.
    """
    for name in others:
        raise ConfigError(one_of("load", name, [n for n in signature(load).parameters if n != "others"]))
    own = () if config_dir is None else (outside(str(_at_home(config_dir)), "config_dir"),)
    request = request_of(model, own, trusted)
    if model not in CONTRACTS:
        if request.contract is None or request.contract.model != model:
            raise ConfigError(
                f"{request.__qualname__} doesn't name the contract of {model}; set contract in that class"
            )
        register(request.contract)
    root = Path(_at_home(str(models_root))) if models_root is not None else default_root()
    published = load_published(root, model) if root else None
    if root is None or published is None:
        raise RegistryError(f"no trained {model} model in {root or 'this package'}; train one, or name its folder")
    if adapter is not None:
        published = with_adapter(published, Path(_at_home(str(adapter))))
    return Model(model, root, published, request)
