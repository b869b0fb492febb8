"""task=monitor: whether the inputs in the feedback are still like the data; exit code 1 where they are not."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from omegaconf import DictConfig

from kmidi_lab.contract_types import Contract
from kmidi_lab.contracts import CONTRACTS
from kmidi_lab.data import DataModule
from kmidi_lab.errors import ConfigError, DataError, DriftError
from kmidi_lab.feedback.drift import CHANCE_LIMIT, FEWEST, PSI_LIMIT, drift
from kmidi_lab.feedback.store import FILE, Store
from kmidi_lab.files import write_atomic
from kmidi_lab.inference.known_inputs import KNOWN_INPUTS, KnownInputs
from kmidi_lab.inference.published import example_root, load_published
from kmidi_lab.registry.files import read_file
from kmidi_lab.report.drift import InputDrift, write_drift
from kmidi_lab.streams import say
from kmidi_lab.targets import build
from kmidi_lab.tasks.roots import models_root
from kmidi_lab.wording import many

_DAY_S, _SHOWN = 86_400, 5


def main(cfg: DictConfig, context: dict[str, Any]) -> None:
    """Compares the inputs of the last `monitor.days` days with those that the model was trained on.

    Raises:
        ConfigError: no days, no model, or one that hears sound. DataError: too few inputs. DriftError: they are of another population.
    """
    options, contract = cfg.monitor, CONTRACTS[cfg.model.name]
    if options.days < 1:
        raise ConfigError(f"monitor.days={options.days} must be 1 or more")
    if contract.listens:
        able = sorted(name for name, other in CONTRACTS.items() if not other.listens)
        raise ConfigError(
            f"model={cfg.model.name} hears sound, which no event holds, so there is nothing to compare; allowed: {', '.join(able)}"
        )
    store = Store(Path(options.store) if options.store else Path(cfg.paths.output_root) / FILE)
    earliest = time.time() - options.days * _DAY_S
    # The chords of one song of the page are loops with a short past and one feeling: not what a plugin's user plays.
    asked = (event for event in store.events(cfg.model.name) if event.time >= earliest and "song" not in event.choices)
    inputs = [event.input for event in asked]
    vectors = [x for x in inputs if isinstance(x, list) and len(x) == contract.input_size]
    seen = np.array(vectors, np.float32).reshape(-1, contract.input_size)
    if len(seen) < FEWEST:
        raise DataError(
            f"{many(len(inputs), 'input')} of {many(options.days, 'day')}, {len(seen)} of them with all {contract.input_size} numbers; "
            f"{FEWEST} are needed, beside those of rated songs"
        )
    known = _known(cfg)
    found = drift(known, seen, cfg.seed)
    worst = [int(i) for i in np.argsort(-found.psi)[:_SHOWN]]
    report = {
        "model": cfg.model.name,
        "days": options.days,
        "inputs": found.seen,
        "without_a_vector": len(inputs) - found.seen,
        "reference": found.reference,
        "mmd": found.mmd,
        "chance": found.chance,
        "psi": {_name(contract, i): round(float(value), 4) for i, value in enumerate(found.psi)},
        "alert": found.alert,
    }
    path = context["folder"] / "monitor.json"
    write_atomic(path, orjson.dumps(report, option=orjson.OPT_INDENT_2))
    page = context["folder"] / "monitor.html"
    moved = [InputDrift(_name(contract, i), float(found.psi[i]), known.ranges[i], seen[:, i]) for i in worst]
    write_drift(report, moved, (PSI_LIMIT, CHANCE_LIMIT), page)
    say(f"{many(found.seen, 'input')} of {many(options.days, 'day')} beside {found.reference} of the data")
    say(f"  MMD² {found.mmd:.4f}, as much by chance in {found.chance:.1%} (an alert needs {CHANCE_LIMIT:.0%} or less)")
    for place in worst:
        say(f"  PSI {found.psi[place]:6.3f}  {_name(contract, place)} (an alert needs one above {PSI_LIMIT:g})")
    say(f"written: {path}, {page}")
    if found.alert:
        raise DriftError(
            f"model={cfg.model.name} is asked about what it was not made for: PSI {found.psi.max():.2f} of "
            f"{_name(contract, worst[0])}; look at {page}, and train it on such data"
        )


def _known(cfg: DictConfig) -> KnownInputs:
    """Those that the model was published with; of an earlier release they are made of the model's data.

    Raises:
        ConfigError: no model is published. RegistryError: its file is damaged.
    """
    root = models_root(cfg, cfg.model.name)
    published = load_published(root, cfg.model.name)
    if published is None:
        raise ConfigError(f"no trained {cfg.model.name} model in {root}; train one, or type {example_root()}")
    name = f"{published.contract.id}{KNOWN_INPUTS}"
    if name in published.entry.get("files", {}):
        return KnownInputs.read(read_file(root, name, published.entry["files"][name]["sha256"]), name)
    data = build(cfg.data, DataModule, cfg.trusted, progress=cfg.trainer.progress)
    data.use_table(published.table)
    data.prepare_data()
    data.setup("test")
    return KnownInputs.of(data.trained_on())


def _name(contract: Contract, place: int) -> str:
    """A number by its slice of the contract, such as `mood[2]`."""
    for part in contract.inputs:
        if part.start <= place < part.start + part.size:
            return f"{part.name}[{place - part.start}]"
    return f"[{place}]"
