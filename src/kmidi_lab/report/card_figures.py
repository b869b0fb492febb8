"""The sections of a model card that hold figures: data, scores, slices, the student, calibration, parity, latency."""

from __future__ import annotations

from kmidi_lab.audio.kind import KINDS, packaged
from kmidi_lab.contract_features import AUDIO_FEATURES, LEVEL_FEATURES, SPEAKER_FEATURES
from kmidi_lab.contract_types import Contract
from kmidi_lab.report import latency_view, view
from kmidi_lab.report.formats import cell, count, fixed, table
from kmidi_lab.report.scores import score_tables
from kmidi_lab.run_export import Export
from kmidi_lab.run_record import DataDescription, RunRecord


def data(run: RunRecord, data: DataDescription) -> str:
    rule, rows = view.split_rule(run)
    parts = [
        f"## Data\n\n`{data.id}`, fingerprint `{data.version}`. Licences: {cell(data.licence)}.",
        _grid(view.sources(run)),
        f"Split: {cell(rule)} ({cell(view.text_of(rows))}).",
        _grid(view.splits(run)),
        _grid(view.problems(run)) if data.problems else "Nothing was skipped.",
    ]
    if data.more.get("notice"):
        parts.append(f"{cell(data.more['notice'])}.")
    if data.absent:
        parts.append(f"Not found and not used: {cell(', '.join(data.absent))}.")
    return "\n\n".join(parts)


def metrics(run: RunRecord) -> str:
    parts = ["## Metrics beside the baselines", "Arrows say which way is better; the best of a column is bold."]
    for scores in score_tables(str(run.identity.model), run.scores, run.spread):
        rows = []
        for row in scores.rows:
            name = cell(row.name) if row.kind == "baseline" else f"**{cell(row.name)}**"
            rows.append([name, *(f"**{c.text}**" if c.best else c.text for c in row.cells)])
        headings = ["", *map(cell, scores.headings)]
        counted = f" ({scores.counted})" if scores.counted else ""
        parts.append(f"### {scores.split}{counted}\n\n{table(headings, rows, range(1, len(headings)))}")
        if scores.alone:
            parts.append(f"No baseline has these: {', '.join(f'{cell(name)} {v}' for name, v in scores.alone)}.")
    return "\n\n".join(parts)


def slices(run: RunRecord) -> str:
    """What each slice was taught by, of models whose data knows some of them only."""
    rows = []
    for one in run.analysis.slices:
        counts = ", ".join(f"{name} {count(n)}" for name, n in one.clips.items()) or "–"
        what = cell(one.evidence) if one.trained else "**untrained: constant in the output**"
        rows.append([cell(one.slice), what, cell(counts), cell(", ".join(one.never_heard)) or "–"])
    headings = ["slice", "a label rests on", "training clips with a label", "places no clip has"]
    return f"## What each slice was taught by\n\n{table(headings, rows, ())}" if rows else ""


def other_sounds(contract: Contract) -> str:
    """How well the package's head, the same for all models that listen, tells sounds that a model does not take."""
    if contract.features not in (AUDIO_FEATURES, LEVEL_FEATURES, SPEAKER_FEATURES):
        return ""
    figures = packaged()["figures"]
    rows = [("sounds not fitted on", figures["test"]), ("of collections never met", figures["collections_never_met"])]
    rows += [("in recording conditions", figures["in_recording_conditions"])]
    names = list(figures["test"]["auroc"])
    cells = [[what, *(fixed(told["auroc"][name], 3) for name in names)] for what, told in rows]
    return (
        "## Speech, music or neither\n\n`task=predict` says which of these a sound is, by a head that comes with the package "
        f"and is the same for all models that listen. AUROC ({', '.join(KINDS)} against the two others, then between two):"
        f"\n\n{table(['', *names], cells, range(1, len(names) + 1))}"
    )


def student(run: RunRecord) -> str:
    if run.student is None:
        return ""
    if run.student.withheld:
        return (
            "## The student that was withheld\n\nRTNeural can't hold this network, and the recurrent student distilled from "
            f"it is not good enough to be published: {cell(run.student.withheld)}. There is no RTNeural file. "
            f"{view.distance(run.student)}\n\n{_grid(view.student(run))}"
        )
    return (
        "## The student in the RTNeural file\n\nRTNeural can't hold this network, so its file holds a recurrent student "
        f"distilled from it. {view.distance(run.student)} ONNX and RTNeural give different outputs, each proved by golden "
        f"vectors of its own.\n\n{_grid(view.student(run))}"
    )


def calibration(run: RunRecord) -> str:
    scores, curve = run.scores.metrics.get("test", {}) if run.scores else {}, run.analysis.reliability
    if scores.get("ece") is None:
        return ""
    text = f"## Calibration\n\nExpected calibration error on test: {fixed(scores['ece'], 3)} (0 is perfect)."
    if curve is None:
        return text
    rows = [
        [fixed(confidence, 2), fixed(accuracy, 2), f"{share:.1%}".replace("%", " %")]
        for confidence, accuracy, share in zip(curve.confidence, curve.accuracy, curve.share, strict=True)
    ]
    return f"{text}\n\n{table(['mean confidence', 'share right', 'share of the events'], rows, (0, 1, 2))}"


def parity(run: RunRecord, export: Export) -> str:
    return (
        f"## Parity\n\nLargest error against the trained network over {count(export.parity.get('calls'))} calls, real "
        f"inputs and inputs at the ends of what the contract allows; absolute where outputs are within ±1, relative beyond.\n\n{_grid(view.parity(run))}"
    )


def latency(run: RunRecord) -> str:
    machine, grid = run.machine, latency_view.latency(run)
    where = f"{cell(machine['cpu'])}, {machine['cores']} cores, {cell(machine['os'])} (machine {machine['id']})"
    text = (
        f"## Latency\n\n{latency_view.setting(run)} Measured on {where}. The first call is a fresh session's; "
        f"slow calls are kept; in budget means that the 99th percentile is. {grid.floor_note}".rstrip()
        + (" The row `rtneural` is the student's, the others are its teacher's." if run.published_student else "")
    )
    if not grid.deadlines.rows:
        return f"{text}\n\n{_grid(grid)}"
    return f"{text}\n\n{_grid(grid)}\n\n### Audio blocks\n\n{cell(grid.deadlines_note)}\n\n{_grid(grid.deadlines)}"


def _grid(grid: view.Grid) -> str:
    return table([cell(h) for h in grid.headings], [[cell(c) for c in row] for row in grid.rows], grid.numeric).strip()
