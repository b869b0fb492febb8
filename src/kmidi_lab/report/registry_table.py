"""Published models as aligned text for a terminal: all of them, the history of one, and two side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from kmidi_lab.contracts import CONTRACTS
from kmidi_lab.registry.versions import kept_versions, version_of
from kmidi_lab.report.formats import NOTHING, count, decimals, fixed, is_number, microseconds, small, text_table
from kmidi_lab.report.latency_view import fastest_of_entry
from kmidi_lab.run_record_v1 import directions_of

_SPLIT = "test"
_DATA_KEYS = ("data_fingerprint", "data_settings")
_HEARD = "What began with weights that have heard all of their data has no test score that can be compared."
Entry = Mapping[str, Any]


def models_table(entries: Sequence[Entry]) -> str:
    """A line for each model: status, verdict, data, date, size, latency, versions to roll back to."""
    if not entries:
        return "no models are published"
    return text_table(*models_cells(entries))


def models_cells(entries: Sequence[Entry]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Headings and rows of that table."""
    headings = ("id", "status", "metric", "model", "best baseline", "data", "trained", "size", "latency", "kept")
    return headings, [_model_row(e) for e in entries]


def history_table(entry: Entry) -> str:
    """What is published now, then the lines of the history, newest first."""
    now = f"{entry['id']}: {entry['status']}, version {version_of(entry)} ({entry.get('status_reason')})"
    lines = entry.get("history") or []
    if not lines:
        return f"{now}\nno history"
    rows = [
        (
            _moment(line.get("replaced_at")),
            line.get("version") or line.get("run_id") or NOTHING,
            line.get("status") or NOTHING,
            "kept" if line.get("kept") else NOTHING,
            line.get("replaced_because") or NOTHING,
            line.get("reason") or NOTHING,
        )
        for line in lines
    ]
    headings = ("changed", "version before", "status", "files", "because", "was so because")
    return f"{now}\n{text_table(headings, rows)}"


def compared(a: tuple[str, Entry], b: tuple[str, Entry]) -> str:
    """Two entries of one model, each with the name of where it is from; says when their scores can't be compared."""
    first, second = a[1], b[1]
    heard, same = any(map(_heard, (first, second))), _same_data(first, second)
    fair = same and not heard
    table = text_table(("", "A", "B", "A − B"), [*_facts(first, second), *_scores(first, second, fair)])
    notes = [] if same else ["The data differ, so the scores of A and B are not comparable."]
    notes += [_HEARD] if heard else []
    return "\n".join([f"{first['id']}\nA: {a[0]}\nB: {b[0]}\n", table, *notes])


def _model_row(entry: Entry) -> tuple[str, ...]:
    primary = entry.get("primary") or {}
    values = [primary.get("value"), primary.get("best_baseline_value")]
    own, rival = (fixed(v, decimals(values)) for v in values)
    return (
        entry["id"],
        entry["status"],
        f"{primary['split']} {primary['metric']}" if primary else NOTHING,
        own,
        f"{rival} {primary['best_baseline']}" if primary else NOTHING,
        _data(entry),
        _moment(entry.get("training", {}).get("training_date"))[:10],
        _size(entry),
        _latency(entry),
        str(len(kept_versions(entry))),
    )


def _data(entry: Entry) -> str:
    if entry.get("stand_in"):
        return "stand-in"
    return entry.get("training", {}).get("dataset_id") or NOTHING


def _size(entry: Entry) -> str:
    files = entry.get("files")
    return f"{sum(f['bytes'] for f in files.values()) / 1e6:.1f} MB" if files else NOTHING


def _latency(entry: Entry) -> str:
    """The median of the fastest backend that runs the model, where the entry has it."""
    name, times = fastest_of_entry(entry)
    return f"{microseconds(times['median_us'])} {name}" if name else NOTHING


def _facts(first: Entry, second: Entry) -> list[tuple[str, str, str, str]]:
    pair = (first, second)
    proofs = {k for e in pair for k, v in (e.get("parity") or {}).items() if is_number(v) and k != "calls"}
    settings = {k for e in pair for k in e.get("data_settings") or {}}
    tellers: list[tuple[str, Callable[[Entry], str]]] = [
        ("status", lambda e: str(e["status"])),
        ("beats baselines", lambda e: _yes(_beats(e.get("primary") or {}))),
        ("run", lambda e: e.get("training", {}).get("run_id") or NOTHING),
        ("trained", lambda e: _moment(e.get("training", {}).get("training_date"))),
        ("params", lambda e: count(e.get("params"))),
        ("stand-in data", lambda e: _yes(e.get("stand_in"))),
        ("may have heard its test", lambda e: _yes(_heard(e))),
        ("data", lambda e: e.get("data_fingerprint") or NOTHING),
        *((f"data {k}", partial(_setting, key=k)) for k in sorted(settings)),
        *((f"parity {k}", partial(_parity, key=k)) for k in sorted(proofs)),
    ]
    return [(name, tell(first), tell(second), "") for name, tell in tellers]


def _scores(first: Entry, second: Entry, fair: bool) -> list[tuple[str, str, str, str]]:
    """Every test metric that both have, then each baseline on the metric of the verdict."""
    way = _directions(first) if fair else {}
    lines = [
        (f"{_SPLIT} {metric}", *_difference(x, y, way.get(metric)))
        for metric, x, y in _shared(*((e.get("metrics") or {}).get(_SPLIT) or {} for e in (first, second)))
    ]
    primary_metric = (first.get("primary") or {}).get("metric")
    rivals = ((e.get("baselines") or {}).get(_SPLIT) or {} for e in (first, second))
    by_name = _shared(*({name: scores.get(primary_metric) for name, scores in r.items()} for r in rivals))
    return lines + [(f"{_SPLIT} {primary_metric} of {name}", *_difference(x, y, None)) for name, x, y in by_name]


def _directions(entry: Entry) -> Mapping[str, str]:
    """As the entry has them, else as its model's evaluator declares them."""
    model = next((c.model for c in CONTRACTS.values() if c.id == entry["id"]), None)
    return entry.get("directions") or directions_of(model)


def _difference(x: float, y: float, mode: str | None) -> tuple[str, str, str]:
    places = 0 if isinstance(x, int) and isinstance(y, int) else decimals((x, y))
    verdict = "" if mode is None or x == y else " better" if (x < y) == (mode == "min") else " worse"
    return fixed(x, places), fixed(y, places), fixed(x - y, places) + verdict


def _shared(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    return [(k, v, second[k]) for k, v in first.items() if is_number(v) and is_number(second.get(k))]


def _same_data(first: Entry, second: Entry) -> bool:
    """An entry that doesn't tell its data counts as of other data."""
    return bool(first.get("data_fingerprint")) and all(first.get(k) == second.get(k) for k in _DATA_KEYS)


def _heard(entry: Entry) -> bool:
    return bool(entry.get("heard_all"))


def _setting(entry: Entry, key: str) -> str:
    value = (entry.get("data_settings") or {}).get(key)
    return NOTHING if value is None else "+".join(map(str, value)) if isinstance(value, list) else str(value)


def _parity(entry: Entry, key: str) -> str:
    return small((entry.get("parity") or {}).get(key))


def _beats(primary: Mapping[str, Any]) -> Any:
    return None if primary.get("not_comparable") else primary.get("beats_baselines")


def _yes(value: object) -> str:
    return "yes" if value else "no"


def _moment(iso: str | None) -> str:
    """To the second, as it was written (UTC)."""
    return iso[:19].replace("T", " ") if iso else NOTHING
