"""Files that RTNeural's parser crashes on, skips parts of or misreads: each is refused with its reason."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from kmidi_lab.errors import UserError
from kmidi_lab.export.rtneural.reader import RTNeuralFormatError, RTNeuralModel


def _matrix(rows: int, columns: int) -> list[list[float]]:
    return [[0.5] * columns for _ in range(rows)]


def _layer(kind: str, size: int, weights: list, **extra: Any) -> dict[str, Any]:
    return {"type": kind, "activation": "", "shape": [None, None, size], "weights": weights, **extra}


DENSE, PRELU, NORM, CONV, GRU, LSTM, ACT = range(7)
GOOD: dict[str, Any] = {
    "in_shape": [None, None, 4],
    "layers": [
        _layer("dense", 6, [_matrix(4, 6), [0.5] * 6], activation="tanh"),
        _layer("prelu", 6, [[[0.1] * 6]]),
        _layer("batchnorm", 6, [[1.0] * 6, [0.0] * 6, [0.0] * 6, [1.0] * 6], epsilon=1e-5),
        _layer("conv1d", 4, [[_matrix(3, 4)] * 2, [0] * 4], kernel_size=[2], dilation=[3], groups=2),
        _layer("gru", 3, [_matrix(4, 9), _matrix(3, 9), _matrix(2, 9)], activation="tanh"),
        _layer("lstm", 2, [_matrix(3, 8), _matrix(2, 8), [0.5] * 8]),
        _layer("activation", 2, [], activation="softmax"),
    ],
}


def test_the_good_file_is_good():
    model = RTNeuralModel.from_bytes(orjson.dumps(GOOD))
    assert (model.input_size, model.output_size) == (4, 2)


def put(layer: int, *path: Any) -> Callable[[dict[str, Any]], None]:
    """Sets the value at a path of keys inside a layer; the last of `path` is the value."""

    def change(file: dict[str, Any]) -> None:
        place: Any = file["layers"][layer]
        *keys, last, value = path
        for key in keys:
            place = place[key]
        place[last] = value

    return change


def drop(layer: int, key: str) -> Callable[[dict[str, Any]], None]:
    return lambda file: file["layers"][layer].pop(key)


def top(key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda file: file.update({key: value})


def _transpose(file: dict[str, Any]) -> None:
    weight = file["layers"][DENSE]["weights"]
    weight[0] = [list(row) for row in zip(*weight[0], strict=True)]


MALFORMED: list[tuple[str, Callable[[dict[str, Any]], Any], str]] = [
    # The file itself.
    ("no in_shape", lambda f: f.pop("in_shape"), "file: key 'in_shape' is missing"),
    ("empty in_shape", top("in_shape", []), "in_shape.*list of 1 to 3"),
    ("in_shape of conv2d", top("in_shape", [None, 2, 2, 1]), "in_shape.*list of 1 to 3"),
    ("in_shape is a number", top("in_shape", 4), "in_shape.*list"),
    ("in_shape ends in null", top("in_shape", [None, None, None]), "in_shape.*None"),
    ("in_shape is zero", top("in_shape", [0]), "in_shape.*above 0"),
    ("in_shape is negative", top("in_shape", [-4]), "in_shape.*above 0"),
    ("in_shape is not whole", top("in_shape", [4.5]), "in_shape.*whole"),
    ("in_shape is true", top("in_shape", [True]), "in_shape.*whole"),
    ("in_shape beyond int", top("in_shape", [2**31]), "in_shape.*whole"),
    ("input of another size", top("in_shape", [None, None, 5]), r"layer 0 \(dense\): weight has 4 entries where 5"),
    ("no layers key", lambda f: f.pop("layers"), "'layers' is missing"),
    ("no layers", top("layers", []), "at least one layer"),
    ("layers is an object", top("layers", {}), "list of at least one layer"),
    ("a layer is null", lambda f: f["layers"].append(None), "layer 7: not a JSON object"),
    # Keys that every layer has.
    ("no type", drop(DENSE, "type"), "layer 0: key 'type' is missing"),
    ("type is a number", put(DENSE, "type", 3), "layer 0: unknown type 3"),
    ("unknown type", put(ACT, "type", "layernorm"), "layer 6: unknown type 'layernorm' would be skipped"),
    ("capital type", put(DENSE, "type", "Dense"), "unknown type 'Dense'"),
    ("conv2d", put(DENSE, "type", "conv2d"), "unknown type 'conv2d'"),
    ("no shape", drop(PRELU, "shape"), r"layer 1 \(prelu\): key 'shape' is missing"),
    ("empty shape", put(DENSE, "shape", []), "'shape' must be a list"),
    ("shape of conv2d", put(DENSE, "shape", [None, 1, 2, 3]), "'shape' must be a list"),
    ("shape ends in a string", put(DENSE, "shape", [None, "6"]), "'shape' holds '6'"),
    ("shape beyond the weights", put(DENSE, "shape", [None, None, 7]), "weight has 6 entries where 7"),
    ("no weights", drop(ACT, "weights"), r"layer 6 \(activation\): key 'weights' is missing"),
    ("weights is null", put(DENSE, "weights", None), "'weights' is not a list"),
    ("empty weights", put(DENSE, "weights", []), "0 parts, expected 1 or 2"),
    # Dense.
    ("transposed", _transpose, "weight has 6 entries where 4"),
    ("too few rows", lambda f: f["layers"][DENSE]["weights"][0].pop(), "weight has 3 entries where 4"),
    ("ragged row", lambda f: f["layers"][DENSE]["weights"][0][2].pop(), "weight has 5 entries where 6"),
    ("row is a number", put(DENSE, "weights", 0, 1, 0.5), "weight holds 0.5 where a list of 6"),
    ("empty bias", put(DENSE, "weights", 1, []), "bias has 0 entries where 6"),
    ("short bias", put(DENSE, "weights", 1, [0.5] * 5), "bias has 5 entries where 6"),
    ("long bias", put(DENSE, "weights", 1, [0.5] * 7), "bias has 7 entries where 6"),
    ("null bias", put(DENSE, "weights", 1, None), "bias holds None"),
    ("a third part", lambda f: f["layers"][DENSE]["weights"].append([0.5]), "3 parts"),
    ("null weight", put(DENSE, "weights", 0, 0, 0, None), "a NoneType where a number"),
    ("string weight", put(DENSE, "weights", 0, 0, 0, "0.5"), "a str where a number"),
    ("true as weight", put(DENSE, "weights", 0, 0, 0, True), "a bool where a number"),
    ("list as weight", put(DENSE, "weights", 0, 0, 0, [0.5]), "a list where a number"),
    ("weight beyond float32", put(DENSE, "weights", 0, 0, 0, 1e39), "weight holds a number beyond float32"),
    ("bias beyond float32", put(DENSE, "weights", 1, 0, -1e300), "bias holds a number beyond float32"),
    # Activations.
    ("unknown activation", put(DENSE, "activation", "gelu"), r"layer 0 \(dense\): activation 'gelu'"),
    ("linear as activation", put(DENSE, "activation", "linear"), "activation 'linear'"),
    ("capital activation", put(ACT, "activation", "ReLU"), "activation 'ReLU'"),
    ("null activation", put(DENSE, "activation", None), "'activation' is None, not a string"),
    ("empty activation layer", put(ACT, "activation", ""), "activation ''"),
    ("no activation in it", drop(ACT, "activation"), "'activation' is missing"),
    ("weights in it", put(ACT, "weights", [[1.0]]), "1 parts, expected 0"),
    ("activation of another size", put(ACT, "shape", [3]), "says 3, but 2 values arrive"),
    ("ignored on prelu", put(PRELU, "activation", "relu"), "activation 'relu' would crash or be ignored"),
    ("ignored on batchnorm", put(NORM, "activation", "tanh"), "activation 'tanh' would crash or be ignored"),
    ("ignored on gru", put(GRU, "activation", "relu"), "activation 'relu' would crash or be ignored"),
    # PReLU and batchnorm.
    ("long alpha", put(PRELU, "weights", [[[0.1] * 7]]), "alpha has 7 entries where 6"),
    ("short alpha", put(PRELU, "weights", [[[0.1] * 2]]), "alpha has 2 entries where 6"),
    ("empty alpha", put(PRELU, "weights", [[[]]]), "alpha has 0 entries where 6"),
    ("flat alpha", put(PRELU, "weights", [[0.1] * 6]), "one list in a list"),
    ("two rows of alpha", put(PRELU, "weights", [[[0.1] * 6, [0.1] * 6]]), "one list in a list"),
    ("prelu of another size", put(PRELU, "shape", [None, None, 5]), "says 5, but 6 values arrive"),
    ("long gamma", put(NORM, "weights", 0, [1.0] * 7), "gamma has 7 entries where 6"),
    ("short mean", put(NORM, "weights", 2, [1.0] * 5), "mean has 5 entries where 6"),
    ("three vectors", lambda f: f["layers"][NORM]["weights"].pop(), "3 parts, expected 2 or 4"),
    ("no epsilon", drop(NORM, "epsilon"), "'epsilon' is missing"),
    ("epsilon is null", put(NORM, "epsilon", None), "'epsilon' is None"),
    ("epsilon below 0", put(NORM, "epsilon", -1e-3), "'epsilon' is -0.001"),
    ("negative variance", put(NORM, "weights", 3, 0, -1.0), "variance . epsilon must be above 0"),
    ("batchnorm of another size", put(NORM, "shape", [7]), "says 7, but 6 values arrive"),
    # Conv1d.
    ("no bias", lambda f: f["layers"][CONV]["weights"].pop(), "1 parts, expected 2"),
    ("no kernel size", drop(CONV, "kernel_size"), "'kernel_size' is missing"),
    ("no dilation", drop(CONV, "dilation"), "'dilation' is missing"),
    ("plain kernel size", put(CONV, "kernel_size", 2), "'kernel_size' must be a list of one"),
    ("larger kernel size", put(CONV, "kernel_size", [3]), "weight has 2 entries where 3"),
    ("no dilation at all", put(CONV, "dilation", [0]), "'dilation' holds 0"),
    ("groups forgotten", drop(CONV, "groups"), "weight has 3 entries where 6"),
    ("groups that do not divide", put(CONV, "groups", 4), "groups 4 does not divide 6 inputs"),
    ("groups as text", put(CONV, "groups", "2"), "'groups' holds '2'"),
    # GRU and LSTM.
    ("one bias row", put(GRU, "weights", 2, _matrix(1, 9)), "bias has 1 entries where 2"),
    ("flat gru bias", put(GRU, "weights", 2, [0.5] * 18), "bias has 18 entries where 2"),
    ("lstm kernel in a gru", put(GRU, "weights", 0, _matrix(4, 12)), "input weight has 12 entries where 9"),
    ("no recurrent weight", lambda f: f["layers"][GRU]["weights"].pop(), "2 parts, expected 3"),
    ("recurrent not transposed", put(LSTM, "weights", 1, _matrix(8, 2)), "recurrent weight has 8 entries where 2"),
    ("short lstm bias", put(LSTM, "weights", 2, [0.5] * 6), "bias has 6 entries where 8"),
    ("hidden size that lies", put(LSTM, "shape", [None, None, 3]), "input weight has 8 entries where 12"),
]


@pytest.mark.parametrize(("change", "reason"), [row[1:] for row in MALFORMED], ids=[row[0] for row in MALFORMED])
def test_refused_with_its_reason(change, reason):
    file = copy.deepcopy(GOOD)
    change(file)
    with pytest.raises(RTNeuralFormatError, match=reason):
        RTNeuralModel.from_bytes(orjson.dumps(file))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"3",
        b'{"in_shape": [1], "layers": [',
        b"\x00\x01",
        b'{"in_shape": [NaN]}',
        b"{} {}",
        b"[1e999]",
    ],
)
def test_what_is_not_one_json_object_is_refused(data):
    with pytest.raises(RTNeuralFormatError, match=r"not JSON|one JSON object"):
        RTNeuralModel.from_bytes(data)


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e999"])
def test_numbers_that_are_not_json_are_refused(number):
    data = orjson.dumps(GOOD).replace(b"0.5", number, 1)
    with pytest.raises(RTNeuralFormatError, match="not JSON"):
        RTNeuralModel.from_bytes(data)


def test_every_cut_of_a_file_is_refused():
    data = orjson.dumps(GOOD)
    for end in range(0, len(data), 7):
        with pytest.raises(RTNeuralFormatError):
            RTNeuralModel.from_bytes(data[:end])


def test_the_error_is_the_users_and_a_value_error():
    assert issubclass(RTNeuralFormatError, UserError)
    assert issubclass(RTNeuralFormatError, ValueError)
