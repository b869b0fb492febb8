"""The model card: everything a reader must know before trusting the files, from run.json and the contract."""

from __future__ import annotations

from typing import Any

from kmidi_lab.contracts import READER_OUTPUT_LIMIT, Contract
from kmidi_lab.report import student_view, view
from kmidi_lab.report.contracts_doc import contract_markdown
from kmidi_lab.report.markdown import cell, table
from kmidi_lab.report.numbers import count, duration, fixed
from kmidi_lab.report.scores import score_tables
from kmidi_lab.report.verdict import verdict

_KINDS = {
    "logits": "Outputs are logits by slice, not probabilities: a reader that takes the largest raw output, clamped to "
    "0–1, as a confidence reads it wrongly.",
    "probabilities": "Outputs are probabilities.",
    "embedding": "Outputs are an embedding; the slices above say how a scalar is read from it.",
    "values": "Outputs are values in the ranges above, not confidences.",
}


def model_card(run: dict[str, Any], contract: Contract) -> str:
    """Markdown, as `<id>.card.md` beside the artefacts; `run` is run.json with its `export` filled."""
    sections = [
        _title(run, contract),
        _verdict(run),
        contract_markdown(contract).replace("## ", "## Contract: ", 1),
        _data(run),
        _metrics(run),
        _slices(run),
        _student(run),
        _emotion(run),
        _calibration(run),
        _parity(run),
        _latency(run),
        _not_measured(run),
        _limits(run, contract),
        _provenance(run),
    ]
    return "\n\n".join(section.strip() for section in sections if section) + "\n"


def _title(run: dict[str, Any], contract: Contract) -> str:
    export, stand_in = run["export"], run["data"]["stand_in"]
    notice = f"> **Stand-in data.** {cell(stand_in)}\n\n" if stand_in else ""
    stored = export.get("stored_params")
    in_file = "in the student that RTNeural gets" if run.get("student") else "in the exported layers"
    held = f", {count(stored)} numbers {in_file}" if stored else ""
    calls = f"Each call takes {contract.state} and keeps state for the next." if contract.streaming else "No state."
    return (
        f"# {contract.id}\n\n{notice}Status **{export['status']}**: {cell(export['reason'])}.\n\n"
        f"{contract.task.replace('_', ' ').capitalize()} for KmiDi: {contract.network}, {cell(run['arch'])}, "
        f"{count(run['params'])} trained parameters{held}. {calls} Contract version {contract.version}."
    )


def _verdict(run: dict[str, Any]) -> str:
    found = verdict(run)
    return f"**{cell(found.headline)}**\n\n" + "\n".join(f"- {cell(line)}" for line in found.details)


def _data(run: dict[str, Any]) -> str:
    data = run["data"]
    rule, absent = data["split"]["rule"], data.get("absent")
    drawn = {k: v for k, v in data["split"].items() if k not in ("rule", "train", "val", "test")}
    parts = [
        f"## Data\n\n`{data['id']}`, fingerprint `{data['version']}`. Licences: {cell(data['licence'])}.",
        _grid(view.sources(run)),
        f"Split: {cell(rule)} ({cell(view.text_of(drawn))}).",
        _grid(view.splits(run)),
        _grid(view.problems(run)) if data["problems"] else "Nothing was skipped.",
    ]
    if absent:
        parts.append(f"Not found and not used: {cell(', '.join(absent))}.")
    return "\n\n".join(parts)


def _metrics(run: dict[str, Any]) -> str:
    parts = ["## Metrics beside the baselines", "Arrows say which way is better; the best of a column is bold."]
    for scores in score_tables(run):
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


def _slices(run: dict[str, Any]) -> str:
    """What each slice was taught by, of models whose data knows some of them only."""
    taught = view.part(run, "analysis").get("slices")
    if not taught:
        return ""
    rows = []
    for one in taught:
        counts = ", ".join(f"{name} {count(n)}" for name, n in one["clips"].items()) or "–"
        what = cell(one["evidence"]) if one["trained"] else "**untrained: constant in the output**"
        rows.append([cell(one["slice"]), what, cell(counts), cell(", ".join(one["never_heard"]) or "–")])
    headings = ["slice", "a label rests on", "training clips with a label", "places no clip has"]
    return f"## What each slice was taught by\n\n{table(headings, rows, ())}"


def _student(run: dict[str, Any]) -> str:
    grid = student_view.student(run)
    if not grid.rows:
        return ""
    return (
        "## The student in the RTNeural file\n\nRTNeural can't hold this network, so its file holds a recurrent student "
        f"distilled from it. {student_view.distance(run)} ONNX and RTNeural give different outputs, each proved by golden "
        f"vectors of its own.\n\n{_grid(grid)}"
    )


def _emotion(run: dict[str, Any]) -> str:
    text = view.emotion(run)
    return f"## Does knowing the emotion help?\n\n{cell(text)}" if text else ""


def _calibration(run: dict[str, Any]) -> str:
    error, curve = run["metrics"].get("test", {}).get("ece"), view.part(run, "analysis", "reliability")
    if error is None:
        return ""
    text = f"## Calibration\n\nExpected calibration error on test: {fixed(error, 3)} (0 is perfect)."
    if not curve:
        return text
    rows = [
        [fixed(confidence, 2), fixed(accuracy, 2), f"{share:.1%}".replace("%", " %")]
        for confidence, accuracy, share in zip(curve["confidence"], curve["accuracy"], curve["share"], strict=True)
    ]
    return f"{text}\n\n{table(['mean confidence', 'share right', 'share of the events'], rows, (0, 1, 2))}"


def _parity(run: dict[str, Any]) -> str:
    calls = count(run["export"]["parity"]["calls"])
    return (
        f"## Parity\n\nLargest error against the trained network over {calls} calls, real inputs and edge cases; "
        f"absolute where outputs are within ±1, relative beyond.\n\n{_grid(view.parity(run))}"
    )


def _latency(run: dict[str, Any]) -> str:
    machine, grid = run["machine"], view.latency(run)
    where = f"{cell(machine['cpu'])}, {machine['cores']} cores, {cell(machine['os'])} (machine {machine['id']})"
    text = (
        f"## Latency\n\n{view.latency_setting(run)} Measured on {where}. The first call is a fresh session's; "
        f"slow calls are kept; in budget means that the 99th percentile is. {grid.floor_note}".rstrip()
        + (" The row `rtneural` is the student's, the others are its teacher's." if run.get("student") else "")
    )
    if not grid.deadlines.rows:
        return f"{text}\n\n{_grid(grid)}"
    return f"{text}\n\n{_grid(grid)}\n\n### Audio blocks\n\n{cell(grid.deadlines_note)}\n\n{_grid(grid.deadlines)}"


def _not_measured(run: dict[str, Any]) -> str:
    lines = [f"latency of {cell(name)}: {cell(why)}" for name, why in run["export"]["latency"]["not_measured"].items()]
    if run["export"]["parity"]["rtneural"] is None:
        lines.append("parity in the real RTNeural: no runner was given; the lab's own reader of the format was used")
    if not run["spread"]:
        lines.append("spread over seeds: this is one run")
    lines.append("how it sounds: nobody has judged it by listening, and no figure here stands for that")
    return "## Not measured\n\n" + "\n".join(f"- {line}" for line in lines)


def _limits(run: dict[str, Any], contract: Contract) -> str:
    lines = [
        "Made for KmiDi's plugin and inference service, as a suggestion to a musician; inputs must be built as the "
        f"contract says (features {contract.features}).",
        _KINDS[contract.output_kind],
        "Scores hold for music like the test split's; other repertoires will score lower.",
        f"The weights follow the licences of the data: {cell(run['data']['licence'])}.",
    ]
    if contract.output_size > READER_OUTPUT_LIMIT:
        lines.append(f"The inference service keeps the first {READER_OUTPUT_LIMIT} of {contract.output_size} outputs.")
    if contract.streaming:
        lines.append(f"An output depends on {_reach(run)}. A reader that resets before every call gets an answer, too.")
    return "## Intended use and limits\n\n" + "\n".join(f"- {line}" for line in lines)


def _reach(run: dict[str, Any]) -> str:
    fields = [run["export"].get(key) for key in ("receptive_field", "onnx_receptive_field")]
    rtneural, onnx = (f"the last {count(field)} calls" if field else "every call since the reset" for field in fields)
    return f"{rtneural} in the RTNeural file, {onnx} in the ONNX file" if run.get("student") else rtneural


def _provenance(run: dict[str, Any]) -> str:
    spread = run["spread"]
    facts = {
        "run": run["run_id"],
        "seed": str(run["seed"]),
        "seeds of the spread": ", ".join(map(str, spread["seeds"])) if spread else "",
        "folds of the spread": ", ".join(map(str, spread.get("folds", ()))) if spread else "",
        "started": run["started_at"],
        "training": duration(run["training_seconds"]),
        # The card of a run is written before the run ends.
        "whole run": duration(run["duration_seconds"]) if "duration_seconds" in run else "",
        "commit": f"{run['git_commit'] or 'unknown'}{' with uncommitted changes' if run['git_dirty'] else ''}",
        "code sha256": run["code_sha256"],
        "settings": view.text_of(run["training"]),
        "hardware": view.text_of(run["hardware"]),
        "versions": view.text_of(run["versions"]),
    }
    rows = [[name, cell(value)] for name, value in facts.items() if value]
    return (
        f"## Provenance\n\n```\n{run['command']}\n```\n\n{table(['what', ''], rows)}\n"
        "The SHA-256 of every file stands in registry.json."
    )


def _grid(grid: view.Grid) -> str:
    return table([cell(h) for h in grid.headings], [[cell(c) for c in row] for row in grid.rows], grid.numeric).strip()
