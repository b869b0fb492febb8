"""Every fault that `verify` knows, planted alone in a clean folder: found, named, and nothing else is said."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from test_verify_folder import (
    MODELS,
    D,
    G,
    dynamics,
    edit,
    groove,
    json_file,
    onnx_file,
    put_registry,
    rename_value,
    scale_weights,
    swap,
    write_clean,
)

from kmidi_lab.contracts import DYNAMICS, GROOVE
from kmidi_lab.export.proof.golden import checksum
from kmidi_lab.export.rtneural.writer import export_rtneural
from kmidi_lab.verify.findings import Finding
from kmidi_lab.verify.folder import Verification, verify_folder

Plant = Callable[[Path], object]
JSON, ONNX, GOLDEN = f"{D}.json", f"{D}.onnx", f"golden/{D}.json"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clean folder that may be broken, in the working directory."""
    monkeypatch.chdir(tmp_path)
    return write_clean(tmp_path / MODELS)


def of(found: Verification, subject: str) -> list[Finding]:
    return [f for f in (*found.faults, *found.notes) if f.subject == subject]


def set_entry(**values: object) -> Plant:
    return lambda root: edit(root, lambda entry: entry.update(values))


def set_part(part: str, **values: object) -> Plant:
    return lambda root: edit(root, lambda entry: entry[part].update(values))


def drop(part: str, key: str | None = None) -> Plant:
    return lambda root: edit(root, lambda e: e.pop(part) if key is None else e[part].pop(key))


def write(name: str, data: bytes) -> Plant:
    return lambda root: (root / name).write_bytes(data)


def content(name: str, data: bytes) -> Plant:
    return lambda root: swap(root, name, data)


def in_json(name: str, change: Callable[[dict], object]) -> Plant:
    return lambda root: json_file(root, name, change)


def in_onnx(change: Callable[[onnx.ModelProto], object]) -> Plant:
    return lambda root: onnx_file(root, change)


def remove(name: str) -> Plant:
    return lambda root: (root / name).unlink()


def registry(change: Callable[[dict], object]) -> Plant:
    def plant(root: Path) -> None:
        whole = json.loads((root / "registry.json").read_bytes())
        change(whole)
        put_registry(root, whole)

    return plant


def extra_input(model: onnx.ModelProto) -> None:
    model.graph.input.append(helper.make_tensor_value_info("tempo", onnx.TensorProto.FLOAT, [1, 1]))


def external(model: onnx.ModelProto) -> None:
    onnx.external_data_helper.set_external_data(model.graph.initializer[0], "weights.data")
    model.graph.initializer[0].ClearField("raw_data")


def dynamic(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "batch"


def not_finite(model: onnx.ModelProto) -> None:
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor).copy()
        if values.dtype == np.float32:
            values.flat[0] = np.nan
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))


def overflowing(file: dict) -> None:
    """A softmax over what is beyond float32's exponents, as RTNeural's has no maximum subtracted."""
    file["layers"][0]["weights"][1] = [400.0] * 24
    file["layers"][0]["activation"] = "softmax"


def golden_change(file: dict) -> None:
    """Another output, with a checksum that fits it."""
    file["typical"]["outputs"][2][5] += 0.1
    rows = file["sequence"]["outputs"] + file["typical"]["outputs"]
    file["output_checksum"] = checksum(np.array(rows, np.float32))


def first_layer(key: str, value: object) -> Plant:
    return in_json(JSON, lambda file: file["layers"][0].update({key: value}))


# (name, what breaks, {check: what its message says}, None for the folder's own findings)
FAULTS: list[tuple[str, Plant, dict[str, str]]] = [
    ("schema", set_entry(status="finished"), {"schema": r"models\[0\].status.*'finished' is not one of"}),
    ("schema of a field", set_entry(params="many"), {"schema": r"models\[0\].params", "params": "params is 'many'"}),
    ("task", set_entry(task="custom"), {"task": "task is 'custom', the contract says 'dynamics_mapping'"}),
    ("format", set_entry(format="onnx"), {"format": "format onnx does not fit", "file": "name one file"}),
    ("input size 0", set_entry(input_size=0), {"input_size": "rejects 0", "size": "registry says 0", "schema": "0"}),
    ("input size above 128", set_entry(input_size=129), {"input_size": "more than 128", "size": "32 → 16, but"}),
    ("output size", set_entry(output_size=7), {"output_size": "is 7, the contract says 16", "size": "says 32 → 7"}),
    ("no duration", drop("training", "duration_seconds"), {"duration": "duration_seconds is missing"}),
    ("no training", drop("training"), {"duration": "duration_seconds is missing"}),
    ("duration 0", set_part("training", duration_seconds=0.0), {"duration": "is 0.0; a 'trained' model"}),
    ("no metrics", set_entry(metrics={}), {"claim": "'trained' is claimed without metrics;", "primary": "can't be told"}),
    ("no proof", lambda r: [drop(k)(r) for k in ("metrics", "baselines")], {"claim": "without metrics and baselines", "primary": "can't"}),
    ("beaten", set_part("primary", beats_baselines=False), {"claim": "does not beat its", "primary": "beats_baselines is False, must"}),
    ("unfair", set_part("primary", not_comparable="fewer notes"), {"claim": "its baselines saw less"}),
    ("production", lambda r: set_entry(status="production", baselines={})(r), {"history": "who promoted it", "claim": "'production' is", "primary": "can't be told"}),
    ("file outside", set_entry(file="../x.json"), {"path": r"file is '\.\./x\.json', which leaves", "file": "the plugin"}),
    ("file absolute", set_entry(file="/etc/hostname"), {"path": "file is '/etc/hostname'", "file": "", "format": ""}),
    ("onnx outside", set_part("exports", onnx_path="../x.onnx"), {"path": "exports.onnx_path is"}),
    ("a link outside", lambda r: [remove(JSON)(r), (r / JSON).symlink_to("/etc/hostname")], {"path": "leaves"}),
    ("golden outside", set_entry(golden_path="a/../../b.json"), {"path": "golden_path", "golden": ""}),
    ("files outside", set_part("files", **{"../up": {"sha256": "0" * 64, "bytes": 1}}), {"path": "files is '../up'"}),
    ("no ONNX path", drop("exports", "onnx_path"), {"onnx_path": "exports.onnx_path is missing"}),
    ("onnx gone", remove(ONNX), {"file": f"exports.onnx_path, files is '{ONNX}', and there is no", "onnx_path": "no such"}),
    ("onnx_path elsewhere", lambda r: [write("../o.onnx", b"x")(r), set_entry(onnx_path="o.onnx")(r)],
     {"onnx_path": "'o.onnx' opens a file that has another hash"}),
    ("rtneural gone", remove(JSON), {"file": f"file, rtneural_path, files is '{JSON}'"}),
    ("golden gone", remove(GOLDEN), {"file": "golden_path", "golden": "is not there"}),
    ("head gone", remove(f"{D}.head.json"), {"file": "head_path"}),
    ("header gone", remove(f"{D}_model.h"), {"file": "_model.h"}),
    ("card gone", remove(f"{D}.card.md"), {"card": "model_card is", "file": "files is"}),
    ("core ml gone", set_part("exports", coreml_path="a.mlpackage"), {"file": "exports.coreml_path is 'a.mlpackage'"}),
    ("a folder for a file", lambda r: [remove(JSON)(r), (r / JSON).mkdir()], {"file": "is a folder where a file"}),
    ("core ml hash", lambda r: [write("a.mlmodel", b"x")(r), set_part("exports", coreml_path="a.mlmodel", coreml_sha256="0")(r)],
     {"hash": "exports.coreml_path. tells '0'"}),
    ("hash", set_part("exports", sha256="0" * 64), {"hash": f"'{JSON}' has sha256 .*file. tells '0000"}),
    ("onnx hash", set_part("exports", onnx_sha256="0" * 64), {"hash": "exports.onnx_path. tells", "onnx_path": "another hash"}),
    ("hash in files", lambda r: edit(r, lambda e: e["files"][GOLDEN].update(sha256="0" * 64)), {"hash": "files. tells"}),
    ("bytes in files", lambda r: edit(r, lambda e: e["files"][GOLDEN].update(bytes=5)), {"bytes": "the registry tells 5"}),
    ("header changed", write(f"{D}_model.h", b"// other"), {"hash": "_model.h' has", "bytes": "has 8", "header": ""}),
    ("head", content(f"{D}.head.json", b"[1]"), {"head": "not a JSON object"}),
    ("rtneural cut short", lambda r: swap(r, JSON, (r / JSON).read_bytes()[:900]), {"rtneural": "not JSON, or cut short"}),
    ("rtneural empty", content(JSON, b""), {"rtneural": "not JSON"}),
    ("no in_shape", in_json(JSON, lambda f: f.pop("in_shape")), {"rtneural": "key 'in_shape' is missing"}),
    ("unknown activation", first_layer("activation", "gelu"), {"rtneural": r"layer 0 \(dense\): activation 'gelu'"}),
    ("unknown layer", first_layer("type", "attention"), {"rtneural": "unknown type 'attention' would be skipped"}),
    ("transposed", first_layer("shape", [None, None, 25]), {"rtneural": "layer 0"}),
    ("huge", in_json(JSON, lambda f: f.update(in_shape=[2**31 - 1])), {"rtneural": "'in_shape' is .2147483647.; nothing above"}),
    ("huge dilation", first_layer("dilation", [2**31 - 1]), {"rtneural": "'dilation' is .2147483647.; nothing above"}),
    ("rtneural NaN", in_json(JSON, overflowing), {"finite": f"{JSON}: gives NaN or infinity at output 0 on gate input 0",
     "golden": "", "agreement": "NaN or infinity", "state": "", "header": ""}),
    ("rtneural of another size", lambda r: swap(r, JSON, export_rtneural(groove(), GROOVE)),
     {"size": "64 → 32, but the contract says 32 → 16", "state": "another answer after other calls",
      "golden": "", "agreement": "takes 64 values and .* 32", "header": "says 32 to 16", "params": "holds 2064",
      "receptive field": "has None"}),
    ("onnx garbage", content(ONNX, b"not onnx"), {"onnx": "not an ONNX file|no graph"}),
    ("onnx cut short", lambda r: swap(r, ONNX, (r / ONNX).read_bytes()[:500]), {"onnx": "cut short"}),
    ("onnx invalid", in_onnx(lambda m: m.graph.node[0].input.__setitem__(0, "nowhere")), {"onnx checker": "nowhere"}),
    ("opset", in_onnx(lambda m: m.ClearField("opset_import")), {"opset": "no opset of ai.onnx"}),
    ("opset unknown", in_onnx(lambda m: setattr(m.opset_import[0], "version", 999)), {"onnx runtime": "refuses the file"}),
    ("ir version unknown", in_onnx(lambda m: setattr(m, "ir_version", 9999)), {"onnx checker": ""}),
    ("external data", in_onnx(external), {"external data": "lie outside the file"}),
    ("input name", in_onnx(lambda m: rename_value(m, "input", "x")), {"onnx input": "the first input is named 'x'"}),
    ("output name", in_onnx(lambda m: rename_value(m, "output", "y")), {"onnx output": "the first output is named 'y'"}),
    ("dynamic", in_onnx(dynamic), {"onnx input": "has shape .*'batch', 32.*static"}),
    ("double", in_onnx(lambda m: setattr(m.graph.input[0].type.tensor_type, "elem_type", 11)),
     {"onnx input": "type DOUBLE", "onnx checker": ""}),
    ("second input", in_onnx(extra_input), {"onnx input": "needs 'tempo' beside 'input'"}),
    ("onnx NaN", in_onnx(not_finite), {"finite": f"{ONNX}: gives NaN", "golden": "", "agreement": "", "state": ""}),
    ("golden: not JSON", content(GOLDEN, b"{"), {"golden": "is broken"}),
    ("golden: no parts", content(GOLDEN, b'{"sequence": 3}'), {"golden": "is broken", "feature_version": "None", "contract_version": "None", "size": "None"}),
    ("golden: features", in_json(GOLDEN, lambda f: f.update(feature_version="v0")), {"feature_version": "'v0'.*contract-v2"}),
    ("golden: id", in_json(GOLDEN, lambda f: f.update(id=G)), {"golden": f"is of '{G}'"}),
    ("golden: size", in_json(GOLDEN, lambda f: f.update(output_size=3)), {"size": "output_size is 3"}),
    ("golden: checksum", in_json(GOLDEN, lambda f: f.update(input_checksum="0")), {"checksum": "input_checksum is not"}),
    ("golden: inputs changed", in_json(GOLDEN, lambda f: f["typical"]["inputs"][0].__setitem__(0, 0.5)),
     {"checksum": "input_checksum", "golden": "golden call 0"}),
    ("golden: null", in_json(GOLDEN, lambda f: f["typical"]["outputs"][0].__setitem__(0, None)),
     {"checksum": "", "finite": "outputs hold NaN", "golden": ""}),
    ("golden: a call lost", in_json(GOLDEN, lambda f: f["sequence"]["inputs"].pop()), {"checksum": "", "golden": "7 → 8"}),
    ("golden: outputs", in_json(GOLDEN, golden_change), {"golden": r"reset before each call: off by 0\.1 at golden call 2, output 5"}),
    ("another network in RTNeural", lambda r: swap(r, JSON, export_rtneural(dynamics(1), DYNAMICS)),
     {"golden": f"{JSON} against its golden", "agreement": f"{JSON} against {ONNX} called in a row: off", "header": ""}),
    ("another network in ONNX", in_onnx(lambda m: scale_weights(m, 1.01)),
     {"golden": f"{ONNX} against its golden", "agreement": "off by"}),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("plant", "says"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_a_fault_is_found_and_nothing_else_is(root: Path, plant: Plant, says: dict[str, str]) -> None:
    plant(root)
    found = verify_folder(root, None)
    faults = [f for f in found.faults if f.subject == D]
    # A changed status also contradicts the card, which no row tells again.
    beside = {f.check for f in faults if f.check == "card" and "status is" in f.message}
    assert {f.check for f in faults} - (beside - set(says)) == set(says), faults
    for check, pattern in says.items():
        assert any(re.search(pattern, f.message) for f in faults if f.check == check), faults
    assert [f for f in found.faults if f.subject != D] == []
    assert of(found, G) == []
    assert all(f.message.isprintable() and f.message for f in found.faults)


FOLDER_FAULTS: list[tuple[str, Plant, dict[str, str]]] = [
    ("version", registry(lambda w: w.update(registry_version="2.0")), {"version": "registry_version '2.0', this lab knows 1"}),
    ("no version", registry(lambda w: w.pop("registry_version")), {"version": "''", "schema": "registry_version"}),
    ("staging", lambda r: (r / ".staging").mkdir(), {"half-written": ".staging is left over"}),
    ("temporary file", write(".x.json.0123.tmp", b"{"), {"half-written": r"\.x\.json\.0123\.tmp was left"}),
    ("temporary file below", write("golden/.x.json.0123.tmp", b"{"), {"half-written": r"golden/\.x\.json\.0123\.tmp"}),
    ("an entry that is a number", registry(lambda w: w["models"].append(3)), {"schema": r"models\[2\]"}),
    ("NaN", registry(lambda w: w["models"][0]["training"].update(test_loss=math.nan)), {"json": "not JSON"}),
    ("byte order mark", lambda r: write("registry.json", b"\xef\xbb\xbf" + (r / "registry.json").read_bytes())(r), {"json": "not JSON"}),
]  # fmt: skip


@pytest.mark.parametrize(("plant", "says"), [f[1:] for f in FOLDER_FAULTS], ids=[f[0] for f in FOLDER_FAULTS])
def test_a_fault_of_the_folder_leaves_the_models(root: Path, plant: Plant, says: dict[str, str]) -> None:
    plant(root)
    found = verify_folder(root, None)
    assert {f.check for f in found.folder.faults} == set(says), found.folder.faults
    for check, pattern in says.items():
        assert any(re.search(pattern, f.message) for f in found.folder.faults if f.check == check)
    assert [f for f in found.faults if f.subject in (D, G)] == []
    assert [c.passed > 50 for c in found.models if c.subject in (D, G)] == [True, True]
