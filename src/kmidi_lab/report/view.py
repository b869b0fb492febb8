"""The record of a run as plain rows of text: what the card, RESULTS.md and the HTML report have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from kmidi_lab.report.formats import NOTHING, count, duration, fixed, is_number, small
from kmidi_lab.run_record import RunRecord
from kmidi_lab.run_scores import Student

Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class Grid:
    """`numeric` are the columns to align right."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[int, ...] = ()


def text_of(value: Any) -> str:
    """Any value of a record in one line."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {text_of(v)}" for k, v in value.items())
    if isinstance(value, list):
        return "; ".join(text_of(v) for v in value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def pairs(values: Mapping[str, Any]) -> Pairs:
    return [(k.replace("_", " "), text_of(v)) for k, v in values.items()]


def sources(run: RunRecord) -> Grid:
    """Where the data came from; the counted columns are whatever the data set counts."""
    listed = run.data.sources if run.data else []
    return _grid("source", [(s.get("name", NOTHING), s) for s in listed], ("name",))


def splits(run: RunRecord) -> Grid:
    split = run.data.split if run.data else {}
    return _grid("split", [(name, split[name]) for name in ("train", "val", "test") if split.get(name)])


def split_rule(run: RunRecord) -> tuple[str | None, dict[str, Any]]:
    """(the rule that examples were split by, its settings)."""
    split = run.data.split if run.data else {}
    return split.get("rule"), {k: v for k, v in split.items() if k not in ("rule", "train", "val", "test")}


def _grid(first: str, named: list[tuple[str, Mapping[str, Any]]], without: tuple[str, ...] = ()) -> Grid:
    keys = list(dict.fromkeys(k for _, values in named for k in values if k not in without))
    numbers = [k for k in keys if any(is_number(v.get(k)) for _, v in named)]
    keys = numbers + [k for k in keys if k not in numbers]
    rows = [(name, *(count(v.get(k)) if k in numbers else text_of(v.get(k)) for k in keys)) for name, v in named]
    return Grid((first, *(k.replace("_", " ") for k in keys)), tuple(rows), tuple(range(1, len(numbers) + 1)))


def problems(run: RunRecord) -> Grid:
    """What was skipped, by reason, the commonest first."""
    counted = sorted((run.data.problems if run.data else {}).items(), key=lambda item: -item[1])
    return Grid(("skipped because", "count"), tuple((reason, count(n)) for reason, n in counted), (1,))


def parity(run: RunRecord) -> Grid:
    """Largest difference from the PyTorch network for each file or reader."""
    proof = run.export.parity if run.export else {}
    tolerance = proof.get("tolerance")
    rows = []
    for name, error in proof.items():
        if name in ("tolerance", "calls") or (name == "chunking" and error is None):
            continue
        passed = NOTHING if error is None or tolerance is None else "yes" if error <= tolerance else "NO"
        rows.append((name, "not checked here" if error is None else small(error), passed))
    within = f"within {small(tolerance)}" if tolerance is not None else "within tolerance"
    return Grid(("file or reader", "largest error", within), tuple(rows), (1,))


def files(run: RunRecord) -> Grid:
    files_of = run.export.files if run.export else {}
    rows = tuple((name, count(f.bytes), f.sha256) for name, f in files_of.items())
    return Grid(("file", "bytes", "sha256"), rows, (1,))


def student(run: RunRecord) -> Grid:
    """A row each for teacher, student and best baseline, a column for each metric of the verdict; no rows without one."""
    facts, network = run.student, run.network
    if facts is None:
        return Grid((), ())
    ours = run.primary.comparisons if run.primary else []
    theirs = facts.primary.comparisons if facts.primary else []
    teacher = (text_of(network.arch if network else None), count(network.params if network else None))
    rows = [
        ("teacher (ONNX)", *teacher, *(text_of(c.value) for c in ours)),
        (
            "student (withheld)" if facts.withheld else "student (RTNeural)",
            facts.arch,
            count(facts.params),
            *(text_of(c.value) for c in theirs),
        ),
        ("best baseline", "", "", *(f"{text_of(c.best_baseline_value)} ({c.best_baseline})" for c in ours)),
    ]
    metrics = [f"{c.split} {c.metric}" for c in ours]
    return Grid(("", "network", "parameters", *metrics), tuple(rows), tuple(range(2, 3 + len(metrics))))


def distance(student: Student) -> str:
    """How far the student's outputs are from its teacher's, in a sentence."""
    return (
        f"Its outputs are {fixed(student.distance, 4)} from its teacher's on validation data ({student.distance_unit}), "
        f"after {count(student.epochs)} epochs of distillation."
    )


def settings(run: RunRecord) -> dict[str, Any]:
    """How the network was trained, without what the run has not got to."""
    facts = asdict(run.training) if run.training else {}
    facts.pop("seconds", None)
    return {k: v for k, v in facts.items() if v is not None}


def provenance(run: RunRecord) -> list[tuple[str, Pairs]]:
    """Groups of facts that say what ran, on what, from which code."""
    own, code = run.identity, run.code
    dirty = " with uncommitted changes" if code.git_dirty else ""
    facts = [
        ("run", own.run_id),
        ("started", own.started_at),
        ("finished", own.finished_at),
        ("took", duration(own.duration_seconds)),
        ("of it training", duration(run.training.seconds if run.training else None)),
        ("seed", own.seed),
        ("commit", f"{code.git_commit}{dirty}" if code.git_commit else "not in a git checkout"),
        ("code sha256", code.sha256),
        ("data version", run.data.version if run.data else None),
    ]
    groups = [
        ("Run", [(name, text_of(value)) for name, value in facts]),
        ("Training", pairs({**settings(run), **(asdict(run.network) if run.network else {})})),
        ("Hardware asked for", pairs(run.hardware)),
        ("Machine", pairs(run.machine)),
        ("Versions", pairs(code.versions)),
    ]
    return [(title, rows) for title, rows in groups if rows]
