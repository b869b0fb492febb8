"""`_target_`: a class by its name, made from a config that may come from someone else.

A config names classes of the lab, and of packages that the user names by `trusted=[my_package]`, and no others. All
names are checked before anything is imported, and all classes before anything is made.
"""

from __future__ import annotations

import importlib
import re
import typing
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from types import NoneType
from typing import Any, TypeVar

from omegaconf import OmegaConf

from kmidi_lab.bounds import Bounded, check
from kmidi_lab.conf_dir import conf_dir
from kmidi_lab.errors import ConfigError, UserError, first_line
from kmidi_lab.own_yaml import own_yaml

LAB = ("kmidi_lab", "datamodules")
_TARGET = "_target_"
_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+", re.ASCII)
T = TypeVar("T")


def build(node: Any, base: type[T], trusted: Sequence[str], **extra: Any) -> T:
    """The object that a config node describes.

    Args:
        base: what its class must be. An object below it must be of the type that the class above names for it.
        trusted: top-level packages beside the lab's own; from the command line, never from a file.
        extra: further arguments.

    Raises:
        ConfigError: a name that is not allowed, a class that is not there or another, wrong arguments. A UserError of a
            constructor comes out as it is.
    """
    plain = of_today(OmegaConf.to_container(node, resolve=True) if OmegaConf.is_config(node) else node)
    if not isinstance(plain, dict):
        raise ConfigError(f"a config with {_TARGET} is wanted, not {str(plain)[:80]!r}")
    return typing.cast("T", _make({**plain, **extra}, _classes(plain, base, trusted)))


def check_ranges(node: Any, base: type, trusted: Sequence[str]) -> None:
    """Raises ConfigError: what `build` would not make, as far as classes and ranges of arguments tell. Makes nothing."""
    plain = of_today(OmegaConf.to_container(node, resolve=True))
    classes = _classes(plain, base, trusted)
    for part in _below(plain):
        kind = classes[part[_TARGET]] if isinstance(part, Mapping) and _TARGET in part else object
        if issubclass(kind, Bounded):
            check(kind, (), {key: value for key, value in part.items() if key != _TARGET})


def check_names(node: Any, trusted: Sequence[str]) -> None:
    """Raises ConfigError: a class in `node` that no config may name. Imports none of them."""
    plain = OmegaConf.to_container(node, resolve=True) if OmegaConf.is_config(node) else node
    for part in _below(of_today(plain)):
        if isinstance(part, Mapping) and _TARGET in part:
            _check_name(part[_TARGET], trusted)


def find(target: Any, base: type[T], trusted: Sequence[str]) -> type[T]:
    """The class of that name. Raises ConfigError: it is not allowed, not there, or no `base`."""
    target = of_today(target)
    _check_name(target, trusted)
    module_name, _, name = target.rpartition(".")
    try:
        kind = getattr(importlib.import_module(module_name), name)
    except ImportError as error:
        raise ConfigError(f"{_TARGET}={target}: can't be imported ({error}); correct the name") from None
    except AttributeError:
        raise ConfigError(f"{_TARGET}={target}: {module_name} has no {name}; correct the name") from None
    # A module of the lab also holds what it imports, such as os.
    if not (isinstance(kind, type) and kind.__module__.partition(".")[0] in (*LAB, *trusted)):
        raise ConfigError(f"{_TARGET}={target}: no class of {_allowed(trusted)}; name one of those")
    if not issubclass(kind, base):
        raise ConfigError(f"{_TARGET}={target}: no {base.__module__}.{base.__qualname__}; name a class that is one")
    return kind


def of_today(node: Any) -> Any:
    """The same with the classes of an earlier release under the names of today, without arguments that are gone."""
    return _renamed(node, _new_names())


def as_first_named(node: Any) -> Any:
    """The same with every class under the name that it first had: what is compared with an earlier release's."""
    return _renamed(node, {new: old for old, new in _new_names().items() if new})


def _renamed(node: Any, names: Mapping[str, str | None]) -> Any:
    """`names` holds the new name of each path; None for an argument that its class no longer has."""
    if isinstance(node, Mapping):
        kept = [key for key in node if names.get(f"{node.get(_TARGET)}.{key}", "") is not None]
        return {key: _renamed(node[key], names) for key in kept}
    if isinstance(node, list):
        return [_renamed(value, names) for value in node]
    return names.get(node) or node if isinstance(node, str) else node


@cache
def _new_names() -> dict[str, str | None]:
    return dict(own_yaml(conf_dir() / "renamed.yaml"))


def plain_values(values: Any, source: object) -> Any:
    """The same values. Raises ConfigError where one that is read from a file would be looked up elsewhere (`${…}`)."""
    for value in _below(values):
        if isinstance(value, str) and "${" in value:
            raise ConfigError(f"{source}: {value[:80]!r} is not a value; what a run has written holds no ${{…}}")
    return values


def _check_name(target: Any, trusted: Sequence[str]) -> None:
    wrong = [name for name in trusted if not name.isidentifier()]
    if wrong:
        raise ConfigError(f"trusted={wrong[0]!r}: not a top-level package; type trusted=[my_package]")
    if not isinstance(target, str) or not _NAME.fullmatch(target):
        raise ConfigError(f"{_TARGET}={str(target)[:120]!r}: no name of a class; write package.module.Class")
    package = target.partition(".")[0]
    if package not in (*LAB, *trusted):
        raise ConfigError(
            f"{_TARGET}={target[:120]}: not a class of {_allowed(trusted)}; if you trust all code of {package}, type "
            f"trusted=[{','.join([*trusted, package])}]"
        )


def _allowed(trusted: Sequence[str]) -> str:
    *most, last = (*LAB, *trusted)
    return f"{', '.join(most)} or {last}"


def _classes(node: dict[Any, Any], base: type, trusted: Sequence[str]) -> dict[str, type]:
    """The class of every name in `node`."""
    for part in _below(node):
        if isinstance(part, Mapping) and (_TARGET in part or part is node):
            odd = [key for key in part if not isinstance(key, str) or (key.startswith("_") and key != _TARGET)]
            if odd:
                raise ConfigError(f"{part.get(_TARGET)}: {str(odd[0])[:80]!r} is no argument; remove it")
            _check_name(part.get(_TARGET), trusted)
    plain_values(node, node[_TARGET])
    classes: dict[str, type] = {}
    _find_all(node, (base,), trusted, classes)
    return classes


def _find_all(node: Any, bases: tuple[type, ...], trusted: Sequence[str], classes: dict[str, type]) -> None:
    if isinstance(node, Mapping) and _TARGET in node:
        target = node[_TARGET]
        kind = find(target, object, trusted)
        if not issubclass(kind, bases):
            kinds = " or ".join(f"{b.__module__}.{b.__qualname__}" for b in bases) or "nothing with a name of a class"
            raise ConfigError(f"{_TARGET}={target}: {kinds} is wanted there; name a class that is one")
        classes[target] = kind
        for key, value in node.items():
            _find_all(value, _kinds_of(kind, key), trusted, classes)
    elif isinstance(node, Mapping | list):
        for value in node.values() if isinstance(node, Mapping) else node:
            _find_all(value, bases, trusted, classes)


def _kinds_of(of: type, argument: str) -> tuple[type, ...]:
    """The classes that the constructor names for an argument: of its own type, or of what its list or union holds."""
    try:
        hint = typing.get_type_hints(of.__init__).get(argument)  # type: ignore[misc]
    except (NameError, TypeError, AttributeError):
        return ()
    hints = [hint]
    for part in hints:
        hints += typing.get_args(part)
    return tuple(part for part in hints if isinstance(part, type) and part not in (object, Any, NoneType))


def _below(node: Any) -> Iterator[Any]:
    """The node, and every key and value in it."""
    yield node
    for part in [*node, *node.values()] if isinstance(node, Mapping) else node if isinstance(node, list) else ():
        yield from _below(part)


def _make(node: Any, classes: Mapping[str, type]) -> Any:
    if isinstance(node, list):
        return [_make(value, classes) for value in node]
    if not isinstance(node, dict):
        return node
    arguments = {key: _make(value, classes) for key, value in node.items() if key != _TARGET}
    if _TARGET not in node:
        return arguments
    target = node[_TARGET]
    try:
        return classes[target](**arguments)
    except UserError:
        raise
    except TypeError as error:
        raise ConfigError(f"{target}: {first_line(error)}") from error
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "memory" not in str(error):
            raise
        raise ConfigError(f"{target}: needs more memory than there is; give smaller sizes") from error
