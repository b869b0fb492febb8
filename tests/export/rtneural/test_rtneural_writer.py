from __future__ import annotations

import time

import numpy as np
import orjson
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from kmidi_lab.contracts import HARMONY
from kmidi_lab.errors import ExportError
from kmidi_lab.export.rtneural.writer import export_rtneural
from kmidi_lab.nn.layers import GRU, CausalConv1d, Standardize
from kmidi_lab.nn.streaming import Chain


def test_file_is_what_the_contract_says(dense_network, make_contract):
    file = orjson.loads(export_rtneural(dense_network, make_contract(6, 4)))
    assert file["in_shape"] == [None, None, 6]
    kinds = [(layer["type"], layer["activation"], layer["shape"][-1]) for layer in file["layers"]]
    assert kinds == [
        ("dense", "", 8),
        ("batchnorm", "", 8),
        ("prelu", "", 8),
        ("dense", "", 8),
        ("prelu", "", 8),
        ("dense", "", 8),
        ("activation", "elu", 8),
        ("dense", "", 5),
        ("activation", "tanh", 5),
        ("dense", "", 5),
        ("activation", "relu", 5),
        ("dense", "", 5),
        ("activation", "sigmoid", 5),
        ("dense", "", 4),
        ("activation", "softmax", 4),
    ]
    assert all(len(layer["shape"]) == 3 and isinstance(layer["weights"], list) for layer in file["layers"])


def test_names_are_the_modules_own(dense_network, make_contract):
    file = orjson.loads(export_rtneural(dense_network, make_contract(6, 4)))
    names = [layer["name"] for layer in file["layers"]]
    assert names == ["1", "2", "3", "5.0", "5.1", "5.3", "5.4", "6", "7", "8", "9", "10", "11", "12", "13"]


def test_weights_survive_to_the_last_bit(make_contract):
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2**32, 300_000, np.uint32).view(np.float32)
    values = bits[np.isfinite(bits)][: 300 * 800].reshape(300, 800)
    linear = nn.Linear(800, 300)
    linear.weight.data = torch.from_numpy(values)
    layer = orjson.loads(export_rtneural(linear.eval(), make_contract(800, 300)))["layers"][0]
    got = np.array(layer["weights"][0], np.float64).astype(np.float32).T
    np.testing.assert_array_equal(np.ascontiguousarray(got).view(np.uint32), values.view(np.uint32))


def test_a_linear_without_bias_gets_zeros(make_contract):
    layer = orjson.loads(export_rtneural(nn.Linear(3, 2, bias=False).eval(), make_contract(3, 2)))["layers"][0]
    assert layer["weights"][1] == [0, 0]


def test_root_module_and_float64_weights(make_contract):
    linear = nn.Linear(3, 2).double().eval()
    layer = orjson.loads(export_rtneural(linear, make_contract(3, 2)))["layers"][0]
    np.testing.assert_array_equal(np.float32(layer["weights"][0]), linear.weight.detach().numpy().T.astype(np.float32))


def test_own_forward_is_followed_not_the_order_of_declaration(make_contract):
    class Backwards(nn.Module):
        def __init__(self):
            super().__init__()
            self.last, self.act, self.first = nn.Linear(4, 2), nn.Tanh(), nn.Linear(3, 4)

        def forward(self, x):
            return self.last(self.act(self.first(x)))

    file = orjson.loads(export_rtneural(Backwards().eval(), make_contract(3, 2)))
    assert [layer["name"] for layer in file["layers"]] == ["first", "act", "last"]


def test_export_is_repeatable_and_leaves_the_network_alone(dense_network, make_contract):
    before = {k: v.clone() for k, v in dense_network.state_dict().items()}
    contract = make_contract(6, 4)
    assert export_rtneural(dense_network, contract) == export_rtneural(dense_network, contract)
    assert all(torch.equal(before[k], v) for k, v in dense_network.state_dict().items())


def test_three_million_weights_are_fast_and_small(make_contract):
    torch.manual_seed(0)
    body = [m for _ in range(4) for m in (CausalConv1d(384, 384, 3), nn.PReLU(384))]
    network = Chain(nn.Linear(128, 384), *body, GRU(384, 384), nn.Linear(384, 258)).eval()
    assert sum(p.numel() for p in network.parameters()) > 2.8e6
    start = time.process_time()
    data = export_rtneural(network, make_contract(128, 258, state="one audio frame a call"))
    # An order of magnitude above what it takes (0.2 s): this catches a slow writer, not a slow machine.
    assert time.process_time() - start < 2
    assert len(data) < 45e6


class Wrap(nn.Module):
    """A network of one Linear whose forward pass is given."""

    def __init__(self, forward, extra: nn.Module | None = None):
        super().__init__()
        self.linear, self.extra, self.run = nn.Linear(3, 3), extra, forward

    def forward(self, x):
        return self.run(self, x)


class Doubled(nn.Linear):
    def forward(self, x):
        return 2 * super().forward(x)


def _chain(module: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Linear(3, 3), module)


def _hooked() -> nn.Module:
    linear = nn.Linear(3, 3)
    linear.register_forward_hook(lambda *call: call[-1] + 1)
    return _chain(linear)


def _nan(value: float) -> nn.Module:
    linear = nn.Linear(3, 3)
    linear.weight.data[1, 2] = value
    return _chain(linear)


def _float64_beyond() -> nn.Module:
    network = _chain(nn.Linear(3, 3)).double()
    network[1].bias.data[0] = 1e39
    return network


def _bad_variance() -> nn.Module:
    norm = nn.BatchNorm1d(3)
    norm.running_var[0] = float("nan")
    return _chain(norm)


REFUSED = {
    "gelu": (_chain(nn.GELU()), r"1 \(GELU\): .*nn.ReLU"),
    "silu": (_chain(nn.SiLU()), r"1 \(SiLU\): .*nn.ReLU"),
    "layernorm": (_chain(nn.LayerNorm(3)), r"1 \(LayerNorm\): .*nn.BatchNorm1d"),
    "logsoftmax": (_chain(nn.LogSoftmax(-1)), r"1 \(LogSoftmax\): .*nn.Softmax"),
    "nested": (nn.Sequential(nn.Linear(3, 3), nn.Sequential(nn.GELU())), r"1\.0 \(GELU\)"),
    "unknown": (_chain(nn.Hardtanh()), r"1 \(Hardtanh\): .*Linear"),
    "subclass": (_chain(Doubled(3, 3)), r"1 \(Doubled\)"),
    "weight norm": (
        _chain(parametrizations.weight_norm(nn.Linear(3, 3))),
        r"1 \(ParametrizedLinear\)|parametrizations",
    ),
    "hook": (_hooked(), r"1 \(Linear\): has forward hooks"),
    "elu alpha": (_chain(nn.ELU(0.5)), r"1 \(ELU\): .*alpha 0.5.*nn.ELU\(\)"),
    "softmax over the batch": (_chain(nn.Softmax(dim=0)), r"1 \(Softmax\): .*dim=-1"),
    "batchnorm without statistics": (_chain(nn.BatchNorm1d(3, track_running_stats=False)), "track_running_stats"),
    "batchnorm of another size": (_chain(nn.BatchNorm1d(4)), r"1 \(BatchNorm1d\): weight is \[4\], must be \[3\]"),
    "prelu of another size": (_chain(nn.PReLU(2)), r"1 \(PReLU\): weight is \[2\], must be \[3\]"),
    "linear of another size": (_chain(nn.Linear(4, 3)), r"1 \(Linear\): weight is \[3, 4\], must be \[3, 3\]"),
    "standardize of another size": (_chain(Standardize(torch.zeros(4), torch.ones(4))), r"1 \(Standardize\)"),
    "too many outputs": (_chain(nn.Linear(3, 5)), "gives 5 values, the contract says 3"),
    "nan weight": (_nan(float("nan")), r"1 \(Linear\): weight has 1 of 9"),
    "infinite weight": (_nan(float("inf")), r"1 \(Linear\): weight has 1 of 9"),
    "beyond float32": (_float64_beyond(), r"1 \(Linear\): bias has 1 of 3"),
    "nan variance": (_bad_variance(), r"1 \(BatchNorm1d\): running_var"),
    "slope beyond float32": (_chain(nn.LeakyReLU(1e39)), r"1 \(LeakyReLU\): negative_slope"),
    "no layers": (nn.Sequential(nn.Identity()), "no layers"),
    "residual": (Wrap(lambda self, x: x + self.linear(x)), "'add', which is not a module; use Residual"),
    "concatenation": (Wrap(lambda self, x: torch.cat([self.linear(x), x], 1)), "'cat'.*use Heads"),
    "functional activation": (Wrap(lambda self, x: torch.tanh(self.linear(x))), "'tanh', which is not a module"),
    "method": (Wrap(lambda self, x: self.linear(x).relu()), "'relu', which is not a module"),
    "inside a submodule": (_chain(Wrap(lambda self, x: x * self.linear(x))), r"1 \(Wrap\): .*'mul'"),
    "two outputs": (Wrap(lambda self, x: (self.linear(x), x)), "its last layer's result and nothing else"),
    "returns the input": (Wrap(lambda self, x: (self.linear(x), x)[1]), "its last layer's result"),
    "a branch": (Wrap(lambda self, x: self.extra(x), nn.Sequential()), "no layers"),
    "parallel": (
        Wrap(lambda self, x: (self.linear(x), self.extra(x))[1], nn.Tanh()),
        r"extra \(Tanh\): its input is not",
    ),
    "control flow": (Wrap(lambda self, x: self.linear(x) if x.sum() > 0 else x), "cannot be traced"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refuses_and_says_which_layer_and_what_instead(name, make_contract):
    network, message = REFUSED[name]
    with pytest.raises(ExportError, match=message):
        export_rtneural(network.eval(), make_contract(3, 3))


def test_refuses_a_second_input(make_contract):
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(3, 3)

        def forward(self, x, state):
            return self.linear(x) + state

    with pytest.raises(ExportError, match="state: a second input"):
        export_rtneural(Two().eval(), make_contract(3, 3))


def test_refuses_training_mode(make_contract):
    with pytest.raises(ExportError, match=r"network\.eval"):
        export_rtneural(_chain(nn.Dropout()).train(), make_contract(3, 3))


def test_first_layer_must_fit_the_contract(make_contract):
    with pytest.raises(ExportError, match=r"0 \(Linear\): weight is \[3, 3\], must be \[3, 128\]"):
        export_rtneural(_chain(nn.ReLU()).eval(), HARMONY)


@pytest.mark.parametrize(
    ("mean", "std"),
    [
        (torch.zeros(3), torch.zeros(3)),
        (torch.zeros(3), torch.ones(2)),
        (torch.zeros(1, 3), torch.ones(1, 3)),
        (torch.tensor([0.0, float("nan")]), torch.ones(2)),
        (torch.zeros(2), torch.tensor([1.0, float("inf")])),
    ],
)
def test_standardize_refuses_bad_statistics(mean, std):
    with pytest.raises(ValueError, match="mean and std"):
        Standardize(mean, std)
