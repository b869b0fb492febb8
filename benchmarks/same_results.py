"""Do results stay the same when code is moved? Records what the lab makes from fixed seeds, and compares two records.

    python benchmarks/same_results.py record BEFORE.json [--data-root DIR] [--slow] [--cache DIR] [--only PARTS]
    python benchmarks/same_results.py compare BEFORE.json [AFTER.json]

`record` uses the lab that Python imports, so set PYTHONPATH to the checkout in question. `compare` records anew with
the settings of BEFORE.json what that file holds, prints what differs and exits with 1 on a difference; with AFTER.json
it records nothing. Three parts, each for everything that `conf/` lists:

- `artefacts`: SHA-256 of the files that an export writes, from an untrained network of each model and drawn inputs,
  and of the outputs that the lab's readers of these files give. Nothing is normalised. The ONNX files hold no paths,
  stack traces or class names: `export_onnx` drops them, and keeps the attribute names of modules. `names_in_onnx`
  lists what names the lab all the same, so that a file that changes with its path shows here first.
- `data`: version, counts and the first examples of each data set that needs no network. Audio takes long and is
  recorded with `--slow`, with fewer renderings and no changed copies. A cache may be shared by both sides.
- `training`: a smoke run of the command line for each model (`--train`; without audio unless named): the files it
  publishes but card and registry, which hold dates, and the scores in run.json exactly.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_PARTS = ("artefacts", "data", "training")
Record = dict[str, Any]


def record(settings: argparse.Namespace, before: Record | None = None) -> Record:
    """Everything that `settings` ask for; `about` says of what code and how many seconds each took.

    Args:
        settings: of the command line.
        before: an earlier record; what it does not hold, models and data sets that came later, is left out.
    """
    for key in ("DATA_ROOT", "MODELS_ROOT", "OUTPUT_ROOT"):
        os.environ.pop(key, None)
    # Read when the lab and torch are imported, and by the processes that they start.
    os.environ |= {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    if settings.data_root:
        os.environ["DATA_ROOT"] = settings.data_root
    import same_results_parts as parts
    import torch

    torch.set_num_threads(1)
    print(f"recording {parts.LAB}", flush=True)
    work = {
        "artefacts": (parts.options("model"), parts.artefacts),
        "data": (parts.options("data"), lambda name: parts.data_set(name, settings)),
        "training": (
            settings.train.split(",") if settings.train else parts.symbolic(),
            lambda name: parts.training(name, settings),
        ),
    }
    seconds: dict[str, float] = {}
    out: Record = {
        "about": {"lab": str(parts.LAB), "torch": torch.__version__, "on": platform.platform(), "seconds": seconds},
        "settings": {key: getattr(settings, key) for key in ("data_root", "slow", "only", "train")},
    }
    for part in settings.only.split(","):
        out[part] = {}
        for name in work[part][0]:
            if before is not None and name not in before.get(part, {}):
                continue
            began = time.perf_counter()
            made = work[part][1](name)
            if made is None:
                continue
            # As it will be read back: the comparison is of what the file holds.
            out[part][name] = json.loads(json.dumps(made))
            seconds[f"{part}.{name}"] = round(time.perf_counter() - began, 1)
            print(f"{part} {name}: {seconds[f'{part}.{name}']} s", flush=True)
    return out


def leaves(node: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Each value as text, by its place."""
    if isinstance(node, dict) and node:
        for key, value in node.items():
            yield from leaves(value, f"{prefix}.{key}" if prefix else key)
    else:
        yield prefix, json.dumps(node)


def differences(before: Record, after: Record) -> list[tuple[str, str, str]]:
    """(place, before, after) of all that differs; `about` and `settings` do not count."""
    sides = [dict(leaves({part: side.get(part, {}) for part in _PARTS})) for side in (before, after)]
    places = sorted({*sides[0], *sides[1]})
    pairs = ((place, *(side.get(place, "nothing") for side in sides)) for place in places)
    return [(place, old, new) for place, old, new in pairs if old != new]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=("record", "compare"))
    parser.add_argument("file", type=Path, help="written by record, read by compare")
    parser.add_argument("after", type=Path, nargs="?", help="compare: another record, instead of recording anew")
    parser.add_argument("--data-root", default="", help="folder of real data")
    parser.add_argument("--cache", default=str(Path(tempfile.gettempdir(), "same_results")), help="prepared data")
    parser.add_argument("--slow", action="store_true", help="audio data sets, too")
    parser.add_argument("--only", default=",".join(_PARTS), help="parts, with commas between")
    parser.add_argument("--train", default="", help="models that are trained, with commas between")
    parser.add_argument("--keep", type=Path, help="compare: where the new record goes")
    settings = parser.parse_args()
    if settings.action == "record":
        settings.file.write_text(json.dumps(record(settings), indent=1), encoding="utf-8")
        return 0
    before = json.loads(settings.file.read_text(encoding="utf-8"))
    if settings.after:
        after = json.loads(settings.after.read_text(encoding="utf-8"))
    else:
        given = {key: value for key, value in vars(settings).items() if value != parser.get_default(key)}
        after = record(argparse.Namespace(**{**vars(settings), **before["settings"], **given}), before)
        if settings.keep:
            settings.keep.write_text(json.dumps(after, indent=1), encoding="utf-8")
    compared = [part for part in _PARTS if part in after]
    before = {part: before.get(part, {}) for part in compared}
    found = differences(before, after)
    for place, old, new in found:
        print(f"{place}\n  before {old[:160]}\n  after  {new[:160]}")
    equal = len(list(leaves(before))) - len(found)
    print(f"{len(found)} values differ, {equal} are the same in {', '.join(compared)}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
