"""Whether a model that nobody has looked at yet may be published: what a training by schedule asks before it publishes.

`python -m kmidi_lab.registry.gate CANDIDATE PUBLISHED MODEL` compares the entries of one model in two models folders;
it prints why and ends with 0 where the candidate may be published, 1 where not, 2 for wrong input.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kmidi_lab.contracts import CONTRACTS
from kmidi_lab.errors import ConfigError, UserError, one_of
from kmidi_lab.registry.policy import may_replace
from kmidi_lab.registry.registry import load_registry, published_entry
from kmidi_lab.registry.versions import version_of
from kmidi_lab.report.formats import is_number


def passes(new: Mapping[str, Any], old: Mapping[str, Any] | None) -> tuple[bool, str]:
    """(may be published, why).

    It must be trained (better than every baseline, on real data), be allowed in the place of what is published, and be
    better than that on the same test. Where data or metric differ the two can't be compared: a person has to decide.
    """
    if new["status"] != "trained":
        return False, f"the candidate is {new['status']}: {new.get('status_reason')}"
    if new.get("stand_in"):
        return False, f"the candidate is trained on stand-in data: {new['stand_in']}"
    if old is None:
        return True, "nothing is published yet, and it beats its baselines"
    allowed, why = may_replace(old, new["status"], new.get("stand_in"))
    if not allowed:
        return False, why
    if version_of(new) == version_of(old):
        return False, "it is what is published already"
    same = all(new.get(key) == old.get(key) for key in ("data_fingerprint", "data_settings")) and new.get(
        "data_fingerprint"
    )
    ours, theirs = (entry.get("primary") or {} for entry in (new, old))
    if not same or any(ours.get(key) != theirs.get(key) for key in ("metric", "split", "mode")):
        return False, "it was scored on other data than what is published; compare by hand, then publish by task=export"
    a, b = ours.get("value"), theirs.get("value")
    if a is None or b is None or not (is_number(a) and is_number(b)):
        return False, "one of the two has no score"
    said = f"{ours['split']} {ours['metric']} {a:.5g} against {b:.5g} of what is published"
    better = a < b if ours["mode"] == "min" else a > b
    return better, f"{'better' if better else 'not better'}: {said}"


def main(argv: Sequence[str]) -> int:
    try:
        if len(argv) != 3:
            raise ConfigError("type python -m kmidi_lab.registry.gate CANDIDATE PUBLISHED MODEL")
        candidate, published, model = argv
        if model not in CONTRACTS:
            raise ConfigError(one_of("MODEL", model, CONTRACTS))
        new = published_entry(Path(candidate), CONTRACTS[model].id)
        if new is None:
            there = ", ".join(entry["id"] for entry in load_registry(Path(candidate))["models"]) or "nothing"
            raise ConfigError(f"{candidate}: no {CONTRACTS[model].id} there, but {there}; train it first")
        good, why = passes(new, published_entry(Path(published), CONTRACTS[model].id))
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{model}: {'may be published' if good else 'stays unpublished'}: {why}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
