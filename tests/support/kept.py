"""A pytest plugin: what is made the same way again and again is made once in a test process, or not at all."""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from omegaconf import DictConfig
from support import exporter, undrawn


@pytest.fixture(scope="session", autouse=True)
def kept_operators() -> Iterator[None]:
    """See `exporter`."""
    with pytest.MonkeyPatch.context() as patch:
        exporter.keep_operators(patch.setattr)
        yield


@pytest.fixture(scope="session", autouse=True)
def left_undrawn() -> Iterator[None]:
    """See `undrawn`."""
    with pytest.MonkeyPatch.context() as patch:
        undrawn.undraw(patch.setattr)
        yield


@pytest.fixture
def drawn() -> Iterator[None]:
    """Reports have their figures."""
    with undrawn.drawn():
        yield


@pytest.fixture(scope="session", autouse=True)
def kept_configs() -> Iterator[None]:
    """The lab's own config files are parsed, and composed without values, once.

    Each command checks the types of its values against the config without them, which is half of the time of a command
    that is refused. The lab's own files stay as they are while tests run; a test's own folders are read each time.
    """
    from kmidi_lab import config, config_rules
    from kmidi_lab.conf_dir import conf_dirs

    compose, load = config_rules.with_choices, yaml.load
    composed: dict[tuple[str, ...], DictConfig] = {}
    parsed: dict[str, Any] = {}

    @functools.wraps(compose)
    def with_choices(choices: tuple[str, ...]) -> DictConfig:
        if len(conf_dirs()) > 1 or any("searchpath" in choice for choice in choices):
            return compose(choices)
        if choices not in composed:
            composed[choices] = compose(choices)
        return composed[choices]

    with_choices.cache_clear = compose.cache_clear  # type: ignore[attr-defined]

    def parse(stream: Any, Loader: type) -> Any:  # noqa: N803  yaml's name
        if Loader.__name__ != "OmegaConfLoader":
            return load(stream, Loader)
        text = stream if isinstance(stream, str | bytes) else stream.read()
        try:
            if text not in parsed:
                parsed[text] = load(text, Loader)
        except yaml.YAMLError:
            if text is stream:
                raise
            stream.seek(0)
            return load(stream, Loader)  # its error names the file
        return copy.deepcopy(parsed[text])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config, "with_choices", with_choices)
        patch.setattr(config_rules, "with_choices", with_choices)
        patch.setattr(yaml, "load", parse)
        yield
