"""The figures in the tables of a model card against its entry: scores, their spread, parity and latency.

A figure on the card is rounded; it agrees with the entry's where that is the number it may have been rounded from.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, NamedTuple, TypeGuard

from kmidi_lab.errors import show
from kmidi_lab.report.formats import NOTHING
from kmidi_lab.report.scores import ARROWS
from kmidi_lab.verify.entry import contract_of, section
from kmidi_lab.verify.findings import AGAIN, Checks

_NUMBER = r"[-−]?\d[\d,]{0,30}(?:\.\d{1,30})?(?:e[-−+]?\d{1,3})?"
"""No longer: a card may come from someone else, and a Decimal has its limits."""
_FIGURE = re.compile(rf"({_NUMBER})(?:[\s\u00a0]*(µs|ms|%))?")
_SPREAD = re.compile(rf"({_NUMBER})(?: ± ({_NUMBER}))?")
_ALONE = re.compile(rf"(?:: |, )([a-z][\w. ]*?)(?: [↑↓])? ({_NUMBER})(?: \(over (?:seeds|folds) ([^)]*)\))?(?=, |\.$)")
_OVER = re.compile(rf"^- Over [^:\n]*? (\w+) is ({_NUMBER}(?: ± {_NUMBER})?)", re.MULTILINE)
_SPLIT = re.compile(r"### (\S+)(?: \(.*\))?$")
_CALLS = re.compile(r"against the trained network over ([\d,]+) calls")
_MACHINE = re.compile(r"\(machine (\w+)\)")
_UNITS = {"ms": Decimal(1000), "µs": Decimal(1), "%": Decimal("0.01"), None: Decimal(1)}


class _Table(NamedTuple):
    """A table under its heading; the first cell of each row by its further cells, headings likewise."""

    under: str
    headings: list[str]
    rows: list[list[str]]


class _Figure(NamedTuple):
    """What the card says, of whom, and what the entry has for it; any of several where it does not tell which."""

    what: str
    on_card: str
    rights: list[Any]


def check_card_tables(checks: Checks, name: str, card: str, entry: dict[str, Any]) -> None:
    """Each figure that both the card and the entry tell."""
    tables = list(_tables(card))
    figures = [*_scores(card, tables, entry), *_parity(card, tables, entry), *_latency(tables, entry)]
    for what, on_card, rights in figures:
        told = [right for right in rights if _is_number(right)]
        figure = _FIGURE.match(on_card)
        if not told or figure is None:
            continue
        value, most = _value(figure)
        same = any(abs(value - Decimal(repr(right))) <= most for right in told)
        numbers = " or ".join(f"{right:g}" for right in told)
        checks.expect("card", same, f"{name}: {what} is {on_card}, the registry tells {numbers}; {AGAIN}")
    for metric, arrow in _arrows(tables):
        way = section(entry, "directions").get(metric)
        fault = f"{name}: {metric} is {arrow}, the registry tells {show(way)}; {AGAIN}"
        checks.expect("card", way is None or ARROWS.get(str(way)) == arrow, fault)
    machine, right = _MACHINE.search(card), section(entry, "latency").get("machine")
    if machine and isinstance(right, str):
        fault = f"{name}: latency was measured on {machine[1]}, the registry tells {show(right)}; {AGAIN}"
        checks.expect("card", machine[1] == right, fault)


def _arrows(tables: Sequence[_Table]) -> Iterator[tuple[str, str]]:
    """(metric, ↑ or ↓) of all columns that have one."""
    for _, headings, _ in tables:
        for name, _, arrow in (heading.rpartition(" ") for heading in headings):
            if arrow in ARROWS.values():
                yield name.replace(" ", "_"), arrow


def _scores(card: str, tables: Sequence[_Table], entry: dict[str, Any]) -> Iterator[_Figure]:
    """The model's and the baselines', the means and deviations over seeds or folds, and what no baseline has."""
    contract = contract_of(entry.get("id"), entry.get("contract_version"))
    metrics, baselines = section(entry, "metrics"), section(entry, "baselines")
    over = section(section(entry, "spread"), "metrics")
    for under, headings, rows in tables:
        if not any(mark in "".join(headings) for mark in "↑↓"):
            continue
        names = [heading.strip(" ↑↓").replace(" ", "_") for heading in headings]
        for who, *cells in rows:
            own = contract is not None and who == contract.model
            for metric, on_card in zip(names[1:], cells, strict=False):
                what = f"{metric} of {show(who)}"
                if who.startswith("mean ± std"):
                    yield from _range(what, on_card, _of(over, under), metric)
                    continue
                sources = _of(metrics, under) if own else [section(scores, who) for scores in _of(baselines, under)]
                yield _Figure(what, on_card, [scores.get(metric) for scores in sources])
    split = ""
    for line in card.splitlines():
        split = m[1].replace("\\", "") if (m := _SPLIT.match(line)) else split
        for m in _ALONE.finditer(line) if line.startswith("No baseline has these:") else ():
            metric = m[1].replace(" ", "_")
            yield _Figure(metric, m[2], [scores.get(metric) for scores in _of(metrics, split)])
            yield from _range(metric, m[3] or "", _of(over, split), metric)
    primary = section(entry, "primary")
    for m in _OVER.finditer(card.replace("\\", "")):
        yield from _range(f"{m[1]} over seeds or folds", m[2], _of(over, str(primary.get("split"))), m[1])


def _range(what: str, on_card: str, sources: list[dict[str, Any]], metric: str) -> Iterator[_Figure]:
    """A mean and its standard deviation."""
    if (parts := _SPREAD.match(on_card)) is None:
        return
    for kind, text in (("mean", parts[1]), ("std", parts[2])):
        if text is not None:
            yield _Figure(f"{kind} of {what}", text, [section(scores, metric).get(kind) for scores in sources])


def _parity(card: str, tables: Sequence[_Table], entry: dict[str, Any]) -> Iterator[_Figure]:
    parity = section(entry, "parity")
    if counted := _CALLS.search(card):
        yield _Figure("calls of the parity", counted[1], [parity.get("calls")])
    for _, headings, rows in tables:
        for who, error, *_ in rows if headings[0] == "file or reader" else ():
            yield _Figure(f"parity of {who}", error, [parity.get(who)])


def _latency(tables: Sequence[_Table], entry: dict[str, Any]) -> Iterator[_Figure]:
    budget, backends = entry.get("inference_target_ms"), section(section(entry, "latency"), "backends")
    for _, headings, rows in tables:
        for row in rows if headings[0] == "backend" else ():
            cells, times = dict(zip(headings, row, strict=False)), section(backends, row[0])
            p99 = times.get("p99_us")
            yield _Figure(f"median of {row[0]}", cells.get("median", NOTHING), [times.get("median_us")])
            yield _Figure(f"p99 of {row[0]}", cells.get("p99", NOTHING), [p99])
            if _is_number(p99) and _is_number(budget) and budget > 0:
                yield _Figure(f"p99 / budget of {row[0]}", cells.get("p99 / budget", NOTHING), [p99 / budget / 1000])


def _tables(card: str) -> Iterator[_Table]:
    """Those with two columns at least; a row with fewer is left out."""
    under, end, lines = "", 0, card.splitlines()
    for at, line in enumerate(lines):
        under = m[1].replace("\\", "") if (m := _SPLIT.match(line)) else under
        if line.startswith("| ---") and at > end and lines[at - 1].startswith("|"):
            end = next((n for n in range(at + 1, len(lines)) if not lines[n].startswith("|")), len(lines))
            headings, *rows = map(_cells, [lines[at - 1], *lines[at + 1 : end]])
            if len(headings) > 1:
                yield _Table(under, headings, [row for row in rows if len(row) > 1])


def _cells(line: str) -> list[str]:
    """Of a row, without marks of Markdown."""
    parts = re.split(r"(?<!\\)\|", line)[1:-1]
    return [part.strip().strip("*").replace("\\", "") for part in parts]


def _of(scores: dict[str, Any], split: str) -> list[dict[str, Any]]:
    """Of the split by that name; of all where there is none."""
    named = scores.get(split)
    return [named] if isinstance(named, dict) else [part for part in scores.values() if isinstance(part, dict)]


def _value(figure: re.Match[str]) -> tuple[Decimal, Decimal]:
    """What is said, and how far from it the number may be that it was rounded from: half of its last digit, and a
    little.
    """
    number, unit = Decimal(figure[1].replace("−", "-").replace(",", "")), _UNITS[figure[2]]
    return number * unit, Decimal("0.51").scaleb(int(number.as_tuple().exponent)) * unit


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
