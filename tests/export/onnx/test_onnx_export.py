from __future__ import annotations

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from support import exporter
from torch import nn

from kmidi_lab.errors import ExportError
from kmidi_lab.export.onnx.runtime import OnnxModel
from kmidi_lab.export.onnx.writer import check_onnx, export_onnx
from kmidi_lab.nn.layers import GRU


@pytest.fixture(scope="module")
def exported(make_contract) -> tuple[nn.Module, bytes]:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.PReLU(), nn.Dropout(0.5), nn.Linear(8, 4)).eval()
    return network, export_onnx(network, make_contract(6, 4))


def test_runs_as_the_inference_service_runs_it(exported):
    network, data = exported
    session = ort.InferenceSession(data, providers=["CPUExecutionProvider"])
    first_in, first_out = session.get_inputs()[0], session.get_outputs()[0]
    assert (first_in.name, first_in.shape, first_in.type) == ("input", [1, 6], "tensor(float)")
    assert (first_out.name, first_out.shape, first_out.type) == ("output", [1, 4], "tensor(float)")
    x = np.random.default_rng(0).normal(size=(1, 6)).astype(np.float32)
    with torch.inference_mode():
        want = network(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(session.run(["output"], {"input": x})[0], want, atol=1e-6)


def test_has_the_opset_asked_for_and_no_outside_data(exported):
    model = onnx.load_from_string(exported[1])
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 18)]
    assert all(not tensor.external_data for tensor in model.graph.initializer)


def test_holds_nothing_of_this_machine_and_comes_out_the_same_again(exported, make_contract):
    network, data = exported
    assert b".py" not in data
    assert b"ExportedProgram" not in data
    assert export_onnx(network, make_contract(6, 4)) == data


@pytest.mark.slow
def test_is_the_same_as_torch_alone_makes_it(exported, make_contract, monkeypatch):
    network, data = exported
    exporter.as_torch_does(monkeypatch.setattr)
    assert export_onnx(network, make_contract(6, 4)) == data


def test_batch_axis_is_static(exported):
    session = ort.InferenceSession(exported[1], providers=["CPUExecutionProvider"])
    with pytest.raises(Exception, match=r"[Ii]nvalid dimensions|INVALID_ARGUMENT"):
        session.run(None, {"input": np.zeros((2, 6), np.float32)})


def test_says_nothing_on_the_screen(make_contract, capfd):
    export_onnx(nn.Linear(3, 2).eval(), make_contract(3, 2))
    shown = capfd.readouterr()
    assert shown.out == ""
    assert shown.err == ""


@pytest.mark.slow
def test_newer_opset_is_kept(make_contract):
    data = export_onnx(nn.Linear(3, 2).eval(), make_contract(3, 2), opset=20)
    assert onnx.load_from_string(data).opset_import[0].version == 20


def test_training_mode_is_refused(make_contract):
    network = nn.Sequential(nn.Linear(3, 2), nn.Dropout()).eval()
    network[1].train()
    with pytest.raises(ExportError, match="training mode"):
        export_onnx(network, make_contract(3, 2))


def test_state_is_not_silently_dropped(make_contract):
    with pytest.raises(ExportError, match="export a Streaming network"):
        export_onnx(nn.Linear(3, 2).eval(), make_contract(3, 2, state="one bar a call"))
    with pytest.raises(ExportError, match="export a network without state"):
        export_onnx(GRU(3, 2).eval(), make_contract(3, 2))


@pytest.mark.parametrize("sizes", [(3, 5), (4, 2)])
def test_other_sizes_than_the_contract_are_refused(make_contract, sizes):
    with pytest.raises(ExportError, match="toymodel"):
        export_onnx(nn.Linear(3, 2).eval(), make_contract(*sizes))


def test_what_the_exporter_cannot_do_becomes_one_line(make_contract, capfd):
    class Sorts(nn.Module):
        def forward(self, x):
            return x.sort(stable=True).values[:, :2]

    with pytest.raises(ExportError, match=r"^toymodel: ONNX export failed: .*aten.sort.*$"):
        export_onnx(Sorts().eval(), make_contract(3, 2))
    assert capfd.readouterr().err == ""


def _rename_input(model):
    model.graph.input[0].name = "x"
    for node in model.graph.node:
        for i, name in enumerate(node.input):
            if name == "input":
                node.input[i] = "x"


def _make_batch_dynamic(model):
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "batch"
    model.graph.output[0].type.tensor_type.shape.dim[0].dim_param = "batch"
    del model.graph.value_info[:]


def _need_a_second_input(model):
    model.graph.input.append(onnx.helper.make_tensor_value_info("state", onnx.TensorProto.FLOAT, [1, 3]))


def _output_second(model):
    first = onnx.helper.make_tensor_value_info(model.graph.node[0].output[0], onnx.TensorProto.FLOAT, [1, 8])
    last = model.graph.output.pop()
    model.graph.output.extend([first, last])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_rename_input, "must be 'input'"),
        (_make_batch_dynamic, "batch"),
        (_need_a_second_input, "needs inputs"),
        (_output_second, "must be 'output'"),
        (lambda m: setattr(m.opset_import[0], "version", 17), "opsets"),
        (lambda m: m.graph.output.pop(), "no output|not a valid"),
        (lambda m: m.graph.node.pop(), "not a valid"),
    ],
)
def test_check_finds_a_changed_file(exported, make_contract, change, reason):
    model = onnx.load_from_string(exported[1])
    change(model)
    with pytest.raises(ExportError, match=reason):
        check_onnx(model.SerializeToString(), make_contract(6, 4), 18)


def test_check_finds_a_truncated_file(exported, make_contract):
    with pytest.raises(ExportError, match="not a valid ONNX file"):
        check_onnx(exported[1][:-20], make_contract(6, 4), 18)


@pytest.fixture(scope="module")
def streaming(make_contract):
    """(file, contract) of a GRU with two layers."""
    torch.manual_seed(1)
    contract = make_contract(3, 2, state="one note a call")
    return export_onnx(GRU(3, 2, 2).eval(), contract), contract


def _no_default(model):
    del model.graph.initializer[[t.name for t in model.graph.initializer].index("state_0")]


def _never_comes_out(model):
    model.graph.output.pop()


def _comes_out_under_another_name(model):
    (node,) = [n for n in model.graph.node if "new_state_0" in n.output]
    node.output[list(node.output).index("new_state_0")] = model.graph.output[1].name = "state_out"


def _other_default(model):
    (state,) = [t for t in model.graph.initializer if t.name == "state_0"]
    state.CopyFrom(onnx.numpy_helper.from_array(np.full((1, 2, 2), 0.1, np.float32), "state_0"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_no_default, "needs inputs"),
        (_never_comes_out, "state goes in as"),
        (_comes_out_under_another_name, "state goes in as"),
        (_other_default, "must be zeros"),
    ],
)
def test_check_finds_broken_state(streaming, change, reason):
    data, contract = streaming
    model = onnx.load_from_string(data)
    change(model)
    with pytest.raises(ExportError, match=reason):
        check_onnx(model.SerializeToString(), contract, 18)


def test_a_caller_who_knows_only_input_runs_from_reset_each_time(streaming):
    session = ort.InferenceSession(streaming[0], providers=["CPUExecutionProvider"])
    assert [v.name for v in session.get_inputs()] == ["input"]
    assert [v.name for v in session.get_outputs()] == ["output", "new_state_0"]
    x = np.ones((1, 3), np.float32)
    first, state = session.run(None, {"input": x})
    np.testing.assert_array_equal(session.run(None, {"input": x})[0], first)
    carried = session.run(None, {"input": x, "state_0": state})[0]
    assert np.abs(carried - first).max() > 1e-3


def test_opening_a_streaming_file_prints_nothing(streaming, capfd):
    """ONNX Runtime warns of each state that it is no constant, which is meant."""
    model = OnnxModel(streaming[0], "x.onnx")
    model(np.zeros(model.input_size, np.float32))
    assert capfd.readouterr() == ("", "")
