"""The model card: everything a reader must know before trusting the files, from the run's record and the contract."""

from __future__ import annotations

from kmidi_lab.contract_types import Contract
from kmidi_lab.contracts import READER_OUTPUT_LIMIT
from kmidi_lab.licences import product_use
from kmidi_lab.report import card_figures, view
from kmidi_lab.report.contracts_doc import contract_markdown
from kmidi_lab.report.formats import cell, count, duration, table
from kmidi_lab.report.public import public
from kmidi_lab.report.verdict import verdict
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
        card_figures.data(run, run.data),
        card_figures.metrics(run),
        card_figures.slices(run),
        card_figures.student(run),
        *(f"## {cell(note.title)}\n\n{cell(note.text)}" for note in run.analysis.notes),
        card_figures.other_sounds(contract),
        card_figures.calibration(run),
        card_figures.parity(run, run.export),
        card_figures.latency(run),
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
