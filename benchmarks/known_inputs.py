"""Publishes the statistics of training inputs (`<id>.inputs.json`) beside models that were exported before there were
any.

    DATA_ROOT=… python benchmarks/known_inputs.py FOLDER WORK [harmony intent …]

FOLDER is a models folder, such as outputs/release; WORK keeps prepared data. A model whose data are not those that its
entry names, and one that hears frames of sound, is left out with the reason.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from kmidi_lab import config
from kmidi_lab.contracts import CONTRACTS
from kmidi_lab.data import DataModule
from kmidi_lab.errors import LabError
from kmidi_lab.files import write_atomic
from kmidi_lab.inference.known_inputs import KNOWN_INPUTS, KnownInputs
from kmidi_lab.inference.published import load_published
from kmidi_lab.registry.registry import load_registry
from kmidi_lab.registry.versions import sealed
from kmidi_lab.targets import build


def statistics(folder: Path, model: str, work: Path) -> KnownInputs | str:
    """Of the training part of a published model's data, or why there are none."""
    published = load_published(folder, model)
    if published is None:
        return "not published"
    if published.contract.listens:
        return "hears frames of sound, which feedback does not hold"
    typed = [
        f"model={model}",
        f"data={published.entry['training']['dataset_id']}",
        f"data.root={os.environ['DATA_ROOT']}",
    ]
    [cfg] = config.check([*typed, f"paths.cache_dir={work / 'cache'}", "hardware=cpu"], False)
    cfg.data.update({k: v for k, v in published.entry["data_settings"].items() if k in cfg.data})
    data: Any = build(cfg.data, DataModule, [], progress=False)
    data.use_contract(published.contract.version)
    data.use_table(published.table)
    data.prepare_data()
    data.setup("fit")
    here, there = data.describe()["version"], published.entry["training"]["dataset_version"]
    return (
        KnownInputs.of(data.trained_on())
        if here == there
        else f"other data than it was trained on ({here}, not {there})"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("models", nargs="*", default=list(CONTRACTS))
    asked = parser.parse_args()
    for model in asked.models:
        try:
            found = statistics(asked.folder, model, asked.work)
        except LabError as error:
            found = str(error)
        if isinstance(found, str):
            print(f"{model}: {found}", flush=True)
            continue
        name, content = f"{CONTRACTS[model].id}{KNOWN_INPUTS}", found.tobytes()
        write_atomic(asked.folder / name, content)
        registry = load_registry(asked.folder)
        for place, entry in enumerate(registry["models"]):
            if entry["id"] == CONTRACTS[model].id:
                facts = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
                registry["models"][place] = sealed({**entry, "files": {**entry["files"], name: facts}})
        write_atomic(
            asked.folder / "registry.json", (json.dumps(registry, indent=2, ensure_ascii=False) + "\n").encode()
        )
        print(f"{model}: {name}, {len(content)} bytes of {found.count} inputs", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
