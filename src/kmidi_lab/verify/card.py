"""The model card against its entry: the same model, verdict, licence, stand-in, run, seed, losses and scores."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from kmidi_lab.errors import show
from kmidi_lab.report.formats import cell
from kmidi_lab.verify.entry import contract_of, section
from kmidi_lab.verify.findings import Checks

_AGAIN = "export the model again"
_STAND_IN = re.compile(r"^> \*\*Stand-in data\.\*\* (.*)$", re.MULTILINE)
_STATUS = re.compile(r"^Status \*\*([a-z]+)\*\*: (.*)\.$", re.MULTILINE)
_REASON = re.compile(r"^Status \*\*[a-z]+\*\*: (.*)\.$", re.MULTILINE)
_PARAMETERS = re.compile(r" ([\d,]+) trained parameters")
_FINGERPRINT = re.compile(r"fingerprint `(\S+)`")
_NO_EFFECT = re.compile(r"^## Inputs without effect\n\n(.*)$", re.MULTILINE)
_PRODUCT = re.compile(r"Use in a product: \*\*(\w+)\*\*")
_LICENCES = re.compile(r"Licences: (.*?)\.$", re.MULTILINE)
_ROW = r"^\| {} \| (.*) \|$"
_SCORED = re.compile(r"^\|  \|(.*[↑↓].*)\|\n\| --- \|.*\n((?:\|.*\n)+)", re.MULTILINE)
"""A table of scores: the model and its baselines below the names of metrics."""
_NUMBER = re.compile(r"[-−]?[\d,]*\.?\d+")
_LOSSES = ("train_loss", "val_loss", "test_loss")


def check_card_text(checks: Checks, name: str, card: str, entry: dict[str, Any]) -> None:
    """Holds the card that `report.card` wrote to the entry that `registry.entry` wrote of the same run.

    Args:
        name: of the card, for messages.
        entry: one of the lab's; what it doesn't tell is not asked of the card.
    """
    title = card.partition("\n")[0]
    checks.expect(
        "card", title == f"# {entry.get('id')}", f"{name}: its title is {show(title)}, another model's card; {_AGAIN}"
    )
    training = section(entry, "training")
    pairs = {
        "stand-in": (_first(_STAND_IN, card), entry.get("stand_in")),
        "status": (_first(_STATUS, card), entry.get("status")),
        "licence": (_first(_LICENCES, card), entry.get("license")),
        "run": (_row(card, "run"), training.get("run_id")),
        "seed": (_row(card, "seed"), entry.get("seed")),
        "reason": (_first(_REASON, card), entry.get("status_reason")),
        "fingerprint of the data": (_first(_FINGERPRINT, card), entry.get("data_fingerprint")),
        "use in a product": (_first(_PRODUCT, card), entry.get("product_use")),
        "trained parameters": (_first(_PARAMETERS, card), _counted(entry.get("params"))),
        "commit": (_row(card, "commit"), _commit(entry)),
        "code sha256": (_row(card, "code sha256"), entry.get("code_sha256")),
        "inputs without effect": (_first(_NO_EFFECT, card), _without_effect(entry.get("no_effect"))),
    }
    for what, (on_card, in_entry) in pairs.items():
        if in_entry is None and what != "stand-in":
            continue
        same = on_card == (None if in_entry is None else cell(in_entry))
        checks.expect("card", same, f"{name}: {what} is {show(on_card)}, the registry tells {show(in_entry)}; {_AGAIN}")
    settings = _row(card, "settings") or ""
    for loss in _LOSSES:
        # Markdown has a backslash before the underscore.
        number = re.search(loss.replace("_", r"\\?_") + r" ([-+.\de]*\d)", settings)
        right = training.get(loss)
        if number is None or not isinstance(right, int | float) or not math.isfinite(right):
            continue
        # The card gives six digits.
        close = math.isclose(float(number[1]), right, rel_tol=1e-5)
        checks.expect("card", close, f"{name}: {loss} is {number[1]}, the registry tells {right:g}; {_AGAIN}")
    for who, metric, score, rights in _scores(card, entry):
        same = any(abs(score - right) <= _rounded(score) for right in rights)
        told = " or ".join(f"{right:g}" for right in rights)
        checks.expect("card", same, f"{name}: {metric} of {show(who)} is {score}, the registry tells {told}; {_AGAIN}")


def _scores(card: str, entry: dict[str, Any]) -> Iterator[tuple[str, str, Decimal, list[Decimal]]]:
    """(row, metric, its score on the card, those that the entry tells for any split) of all that both tell."""
    contract = contract_of(entry.get("id"), entry.get("contract_version"))
    baselines = [split for split in section(entry, "baselines").values() if isinstance(split, dict)]
    for head, body in _SCORED.findall(card):
        metrics = [part.strip(" ↑↓").replace(" ", "_") for part in head.split("|")]
        for line in body.splitlines():
            who, *cells = (part.strip(" *").replace("\\", "") for part in line.strip("| ").split(" | "))
            own = contract is not None and who == contract.model
            splits = [*section(entry, "metrics").values()] if own else [split.get(who) for split in baselines]
            for metric, on_card in zip(metrics, cells, strict=False):
                rights = [split[metric] for split in splits if isinstance(split, dict) and metric in split]
                numbers = [
                    Decimal(repr(right)) for right in rights if isinstance(right, int | float) and math.isfinite(right)
                ]
                score = _NUMBER.match(on_card)
                if numbers and score:
                    yield who, metric, Decimal(score[0].replace("−", "-").replace(",", "")), numbers


def _counted(params: object) -> str | None:
    return f"{params:,}" if isinstance(params, int) else None


def _commit(entry: dict[str, Any]) -> str | None:
    commit = section(entry, "training").get("git_commit")
    return None if commit is None else f"{commit}{' with uncommitted changes' if entry.get('git_dirty') else ''}"


def _without_effect(names: object) -> str | None:
    """The sentence of the card."""
    if not isinstance(names, list):
        return None
    listed = ", ".join(f"`{name}`" for name in names)
    return f"These inputs change no output: {listed}." if names else "Every input changes the output."


def _rounded(score: Decimal) -> Decimal:
    """How far a number may be from the one that it was rounded from: half of its last digit, and a little."""
    return Decimal("0.51").scaleb(int(score.as_tuple().exponent))


def _first(pattern: re.Pattern[str], card: str) -> str | None:
    match = pattern.search(card)
    return match[1] if match else None


def _row(card: str, what: str) -> str | None:
    return _first(re.compile(_ROW.format(re.escape(what)), re.MULTILINE), card)
