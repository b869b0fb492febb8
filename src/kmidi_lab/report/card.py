"""The model card: everything a reader must know before trusting the files, from the run's record and the contract."""

from __future__ import annotations

from kmidi_lab.audio.kind import KINDS, packaged
from kmidi_lab.contract_features import AUDIO_FEATURES, LEVEL_FEATURES, SPEAKER_FEATURES
from kmidi_lab.contract_types import Contract
from kmidi_lab.contracts import READER_OUTPUT_LIMIT
from kmidi_lab.licences import product_use
from kmidi_lab.report import latency_view, view
from kmidi_lab.report.contracts_doc import contract_markdown
from kmidi_lab.report.formats import cell, count, duration, fixed, table
from kmidi_lab.report.public import public
from kmidi_lab.report.scores import score_tables, verdict
from kmidi_lab.run_export import Export
from kmidi_lab.run_record import DataDescription, RunRecord

_KINDS = {
    "logits": "Outputs are logits by slice, not probabilities: a reader that takes the largest raw output, clamped to "
    "0–1, as a confidence reads it wrongly.",
    "probabilities": "Outputs are probabilities.",
    "embedding": "Outputs are an embedding; the slices above say how a scalar is read from it.",
    "values": "Outputs are values in the ranges above, not confidences.",
}


def model_card(run: RunRecord, contract: Contract) -> str:
    """Markdown, as `<id>.card.md` beside the artefacts; `run` has data, scores and an export."""
    run = public(run)
    assert run.data and run.export and run.network
    sections = [
        _title(run, contract, run.data, run.export),
        _verdict(run),
        contract_markdown(contract).replace("## ", "## Contract: ", 1),
        _no_effect(run.export),
        _data(run, run.data),
        _metrics(run),
        _slices(run),
        _student(run),
        *(f"## {cell(note.title)}\n\n{cell(note.text)}" for note in run.analysis.notes),
        _other_sounds(contract),
        _calibration(run),
        _parity(run, run.export),
        _latency(run),
        _not_measured(run, run.export),
        _limits(run, contract, run.data, run.export),
        _provenance(run),
    ]
    return "\n\n".join(section.strip() for section in sections if section) + "\n"


def _title(run: RunRecord, contract: Contract, data: DataDescription, export: Export) -> str:
    network = run.network
    assert network
    notice = f"> **Stand-in data.** {cell(data.stand_in)}\n\n" if data.stand_in else ""
    in_file = "in the student that RTNeural gets" if run.published_student else "in the exported layers"
    held = f", {count(export.stored_params)} numbers {in_file}" if export.stored_params else ""
    calls = f"Each call takes {contract.state} and keeps state for the next." if contract.streaming else "No state."
    return (
        f"# {contract.id}\n\n{notice}Status **{export.status}**: {cell(export.reason)}.\n\n"
        f"{contract.task.replace('_', ' ').capitalize()} for KmiDi: {contract.network}, {cell(network.arch)}, "
        f"{count(network.params)} trained parameters{held}. {calls} Contract version {contract.version}."
    )


def _no_effect(export: Export) -> str:
    if export.no_effect is None:
        return ""
    names = ", ".join(f"`{cell(name)}`" for name in export.no_effect)
    sentence = f"These inputs change no output: {names}." if names else "Every input changes the output."
    return f"## Inputs without effect\n\n{sentence}"


def _verdict(run: RunRecord) -> str:
    outcome = verdict(run)
    return f"**{cell(outcome.headline)}**\n\n" + "\n".join(f"- {cell(line)}" for line in outcome.details)


def _data(run: RunRecord, data: DataDescription) -> str:
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


def _metrics(run: RunRecord) -> str:
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


def _slices(run: RunRecord) -> str:
    """What each slice was taught by, of models whose data knows some of them only."""
    rows = []
    for one in run.analysis.slices:
        counts = ", ".join(f"{name} {count(n)}" for name, n in one.clips.items()) or "–"
        what = cell(one.evidence) if one.trained else "**untrained: constant in the output**"
        rows.append([cell(one.slice), what, cell(counts), cell(", ".join(one.never_heard)) or "–"])
    headings = ["slice", "a label rests on", "training clips with a label", "places no clip has"]
    return f"## What each slice was taught by\n\n{table(headings, rows, ())}" if rows else ""


def _other_sounds(contract: Contract) -> str:
    """What tells a listening model's user that a sound is not what it takes: of the package, the same for all of them."""
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


def _student(run: RunRecord) -> str:
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


def _calibration(run: RunRecord) -> str:
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


def _parity(run: RunRecord, export: Export) -> str:
    return (
        f"## Parity\n\nLargest error against the trained network over {count(export.parity.get('calls'))} calls, real "
        f"inputs and inputs at the ends of what the contract allows; absolute where outputs are within ±1, relative beyond.\n\n{_grid(view.parity(run))}"
    )


def _latency(run: RunRecord) -> str:
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


def _not_measured(run: RunRecord, export: Export) -> str:
    lines = [f"latency of {cell(name)}: {cell(why)}" for name, why in export.latency.not_measured.items()]
    if export.parity.get("rtneural") is None and not (run.student and run.student.withheld):
        lines.append("parity in the real RTNeural: no runner was given; the lab's own reader of the format was used")
    if not run.spread:
        lines.append("spread over seeds: this is one run")
    lines.append("how it sounds: nobody has judged it by listening, and no figure here stands for that")
    return "## Not measured\n\n" + "\n".join(f"- {line}" for line in lines)


def _limits(run: RunRecord, contract: Contract, data: DataDescription, export: Export) -> str:
    lines = [
        "Made for KmiDi's plugin and inference service, as a suggestion to a musician; inputs must be built as the "
        f"contract says (features {contract.features}).",
        _KINDS[contract.output_kind],
        "Scores hold for music like the test split's; other repertoires will score lower.",
        f"The weights follow the licences of the data: {cell(data.licence)}. Use in a product: "
        f"**{product_use(data.licence)}**.",
    ]
    if contract.output_size > READER_OUTPUT_LIMIT:
        lines.append(f"The inference service keeps the first {READER_OUTPUT_LIMIT} of {contract.output_size} outputs.")
    if contract.streaming:
        reach = _reach(export, run.published_student is not None)
        lines.append(f"An output depends on {reach}. A reader that resets before every call gets an answer, too.")
    return "## Intended use and limits\n\n" + "\n".join(f"- {line}" for line in lines)


def _reach(export: Export, student: bool) -> str:
    fields = (export.receptive_field, export.onnx_receptive_field)
    rtneural, onnx = (f"the last {count(field)} calls" if field else "every call since the reset" for field in fields)
    return f"{rtneural} in the RTNeural file, {onnx} in the ONNX file" if student else rtneural


def _provenance(run: RunRecord) -> str:
    own, code, spread = run.identity, run.code, run.spread
    facts = {
        "run": own.run_id,
        "seed": str(own.seed),
        "seeds of the spread": ", ".join(map(str, spread.seeds)) if spread else "",
        "folds of the spread": ", ".join(map(str, spread.folds)) if spread else "",
        "started": own.started_at,
        "training": duration(run.training.seconds if run.training else None),
        # The card of a run is written before the run ends.
        "whole run": duration(own.duration_seconds) if own.duration_seconds is not None else "",
        "commit": f"{code.git_commit or 'unknown'}{' with uncommitted changes' if code.git_dirty else ''}",
        "code sha256": code.sha256,
        "settings": view.text_of(view.settings(run)),
        "hardware": view.text_of(run.hardware),
        "versions": view.text_of(code.versions),
    }
    rows = [[name, cell(value)] for name, value in facts.items() if value]
    return (
        f"## Provenance\n\n```\n{own.command}\n```\n\n{table(['what', ''], rows)}\n"
        "The SHA-256 of every file stands in registry.json."
    )


def _grid(grid: view.Grid) -> str:
    return table([cell(h) for h in grid.headings], [[cell(c) for c in row] for row in grid.rows], grid.numeric).strip()
