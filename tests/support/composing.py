"""Hydra's composing without what it does again and again: each set of choices is put together once in a process.

A command composes four times, an eighth of a second each, with the same choices (`model=`, `preset=`, …) each time.
Most of that is finding, parsing and merging the files of these choices. Here what they come to is kept, and each
composition takes a copy to put the typed values into; new choices share the files that they have in common with others.
Only the lab's own files are kept, which stay as they are while tests run; with a test's own folders all is done each
time. What is kept is kept pickled: reading that takes a quarter of the time of a `deepcopy`.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from copy import copy, deepcopy
from functools import cache
from typing import Any

import yaml
from hydra._internal import config_loader_impl, defaults_list
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import CachingConfigRepository, ConfigRepository
from hydra._internal.defaults_list import DefaultsList, Overrides
from hydra._internal.hydra import Hydra
from hydra.core.default_element import ResultDefault
from hydra.core.override_parser.types import Override
from hydra.plugins.config_source import ConfigResult
from omegaconf import DictConfig
from omegaconf import base as omegaconf_base

from kmidi_lab.conf_dir import conf_dir

_new_list = config_loader_impl.create_defaults_list
_new_config = ConfigLoaderImpl._compose_config_from_defaults_list
_lists: dict[Any, DefaultsList] = {}
_configs: dict[Any, bytes | DictConfig] = {}
_mode = Hydra.get_mode
_load = CachingConfigRepository.load_config
_all_sources = CachingConfigRepository.__init__
_loaded: dict[str, ConfigResult | None] = {}
_choices = defaults_list._create_interpolation_map
_grammar = omegaconf_base.parse
_kept_grammar = cache(_grammar)
_parse = yaml.load
_parsed: dict[str, Any] = {}


def keep_composed(put: Callable[[object, str, object], None] = setattr) -> None:
    """Until what `put` (object, name, value) has put there is taken back."""
    put(config_loader_impl, "create_defaults_list", _kept_list)
    put(ConfigLoaderImpl, "_compose_config_from_defaults_list", _kept_config)
    put(Hydra, "get_mode", _typed_mode)
    put(CachingConfigRepository, "load_config", _kept_file)
    put(CachingConfigRepository, "__init__", _same_sources)
    put(defaults_list, "_create_interpolation_map", _asked_choices)
    put(omegaconf_base, "parse", _kept_grammar)
    put(yaml, "load", _kept_yaml)


def as_hydra_does(put: Callable[[object, str, object], None]) -> None:
    """Takes all of this back, for a comparison."""
    put(config_loader_impl, "create_defaults_list", _new_list)
    put(ConfigLoaderImpl, "_compose_config_from_defaults_list", _new_config)
    put(Hydra, "get_mode", _mode)
    put(CachingConfigRepository, "load_config", _load)
    put(CachingConfigRepository, "__init__", _all_sources)
    put(defaults_list, "_create_interpolation_map", _choices)
    put(omegaconf_base, "parse", _grammar)
    put(yaml, "load", _parse)


def _own_alone(repo: Any) -> bool:
    files = [source.path for source in repo.get_sources() if source.scheme() == "file"]
    return files == [str(conf_dir())]


def _typed_mode(self: Hydra, config_name: str | None, overrides: list[str]) -> Any:
    """One job or several, for which Hydra composes all once more; no file of the lab says it."""
    if _own_alone(self.config_loader.repository) and not any("hydra." in word for word in overrides):
        return None
    return _mode(self, config_name, overrides)


def _kept_list(
    repo: Any, config_name: str | None, overrides_list: Sequence[Override], prepend_hydra: bool, skip_missing: bool
) -> DefaultsList:
    """Which files are merged, in which order: the values that are typed have no say in it."""
    if not _own_alone(repo):
        return _new_list(repo, config_name, overrides_list, prepend_hydra, skip_missing)
    values = Overrides(repo, overrides_list).config_overrides
    choices = [o for o in overrides_list if not any(o is value for value in values)]
    key = (config_name, tuple(o.input_line for o in choices), prepend_hydra, skip_missing)
    if key not in _lists:
        _lists[key] = _new_list(repo, config_name, choices, prepend_hydra, skip_missing)
    kept = _lists[key]
    return DefaultsList(deepcopy(kept.defaults), kept.defaults_tree, values, kept.overrides)


def _kept_config(self: ConfigLoaderImpl, defaults: list[ResultDefault], repo: Any) -> DictConfig:
    if not _own_alone(repo):
        return _new_config(self, defaults, repo)
    key = tuple(tuple(vars(one).items()) for one in defaults)
    if key not in _configs:
        new = _new_config(self, defaults, _Copies(repo))
        try:
            _configs[key] = pickle.dumps(new)
        except pickle.PicklingError:  # Hydra has read its plugins once more, and has two classes of one name
            _configs[key] = new
    kept = _configs[key]
    own: DictConfig = pickle.loads(kept) if isinstance(kept, bytes) else deepcopy(kept)
    return own


def _same_sources(self: CachingConfigRepository, delegate: ConfigRepository) -> None:
    """Of a repository whose sources are replaced, not changed; Hydra copies all that they hold."""
    self.delegate = copy(delegate)
    self.cache = {}


def _kept_file(self: CachingConfigRepository, config_path: str) -> ConfigResult | None:
    if not _own_alone(self):
        return _load(self, config_path)
    if config_path not in _loaded:
        _loaded[config_path] = _load(self, config_path)
    return _loaded[config_path]


class _Copies:
    """Files to be merged: merging takes parts of them over as they are."""

    def __init__(self, repo: Any) -> None:
        self._repo = repo

    def __getattr__(self, name: str) -> Any:
        return getattr(self._repo, name)

    def load_config(self, config_path: str) -> ConfigResult | None:
        found: ConfigResult | None = self._repo.load_config(config_path)
        if found is not None:
            found = copy(found)
            found.config = deepcopy(found.config)
        return found


def _asked_choices(overrides: Overrides, defaults: Any, self_added: bool) -> Any:
    """The choices so far, which few lists of defaults refer to."""
    asked = any(one.is_interpolation() for one in defaults if not one.is_self())
    return _choices(overrides, defaults, self_added) if asked else None


def _kept_yaml(stream: Any, Loader: type) -> Any:  # noqa: N803  yaml's name
    if Loader.__name__ != "OmegaConfLoader":
        return _parse(stream, Loader)
    text = stream if isinstance(stream, str | bytes) else stream.read()
    try:
        if text not in _parsed:
            _parsed[text] = _parse(text, Loader)
    except yaml.YAMLError:
        if text is stream:
            raise
        stream.seek(0)
        return _parse(stream, Loader)  # its error names the file
    return deepcopy(_parsed[text])
