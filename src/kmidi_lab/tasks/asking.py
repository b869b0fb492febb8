"""What `task=queue` and `task=label` share: the model that is asked, and the material of a folder in the order of
asking.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from kmidi_lab.errors import ConfigError, DataError
from kmidi_lab.feedback.labels import Labels
from kmidi_lab.feedback.material import BY_VOTES, Asker, Item, check_way, material, ranked
from kmidi_lab.inference.published import example_root, load_published
from kmidi_lab.inference.request import Request
from kmidi_lab.streams import say
from kmidi_lab.targets import find
from kmidi_lab.tasks.members import committee, dropped_out, with_votes
from kmidi_lab.tasks.roots import models_root
from kmidi_lab.wording import many

SHOWN = 10
_KINDS = 3
"""Endings that are named of files that are not looked at."""


def asker(cfg: DictConfig) -> Asker:
    """The published model of the config. Raises ConfigError: none, or one that nobody can label for."""
    if OmegaConf.is_missing(cfg, "predict"):
        raise ConfigError(f"model={cfg.model.name} can't be asked; choose another model=…")
    request = find(cfg.predict._target_, Request, cfg.trusted)
    root = models_root(cfg, cfg.model.name)
    published = load_published(root, cfg.model.name)
    if published is None:
        raise ConfigError(f"no trained {cfg.model.name} model in {root}; train one, or type {example_root()}")
    return Asker(request, published, root)


def to_ask(cfg: DictConfig, of: Asker, by: str | None, count: int, labels: Labels, diverse: bool = True) -> list[Item]:
    """What to ask about in `data.root`; says what was left out, and how much there is.

    Args:
        cfg: the config.
        of: the model.
        by: way to rank; None is the model's own.
        count: how much, at most.
        labels: those that are there, whose items are not asked about again.
        diverse: whether what is taken is to be unlike each other.

    Raises:
        ConfigError: a wrong setting. DataError: nothing to ask about.
    """
    folder, refused = Path(cfg.data.root), list[str]()
    by = by or of.request.asks_by
    check_way(by, count, diverse)
    members = {"committee": committee, "bald": dropped_out}[by](cfg, of) if by in BY_VOTES else []
    items = list(material(of, folder, refused.append, labels.items()))
    for line in refused[:SHOWN]:
        say(f"left out: {line}")
    kinds, others = ", ".join(of.request.asks_about), _others(folder, of.request.asks_about)
    if not items:
        beside = f"; {others} there, of kinds that {cfg.model.name} does not take" if others else ""
        raise DataError(
            f"data.root={folder}: nothing to ask about{beside}; give a folder of {kinds} files not yet labelled"
        )
    if others:
        say(f"left out: {others}; {cfg.model.name} takes {kinds}")
    known = labels.inputs(of.published.contract.input_size)
    best = ranked(with_votes(items, of, members) if members else items, by, count, diverse, known)
    fewer = f"; the {len(best)} that would teach most are taken ({cfg.task}.count)" if len(best) < len(items) else ""
    say(f"{len(items)} to ask about, {len(refused)} left out{fewer}")
    return best


def _others(folder: Path, endings: Sequence[str]) -> str:
    """How many files are of other kinds, and their commonest endings; empty where there are none."""
    paths = (path for path in folder.rglob("*") if not path.name.startswith(".") and path.is_file())
    found = Counter(path.suffix.lower() for path in paths if path.suffix.lower() not in endings)
    named = ", ".join(ending or "without an ending" for ending, _ in found.most_common(_KINDS))
    more = ", …" if len(found) > _KINDS else ""
    return f"{many(found.total(), 'other file')} ({named}{more})" if found else ""
