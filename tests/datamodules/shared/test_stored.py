"""Prepared data are read as they were written, to the bit, and a file from anywhere runs nothing."""

from __future__ import annotations

import dataclasses
import io
import pickle
import struct
from collections import Counter, OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from datamodules.shared import stored
from datamodules.shared.cache import cached
from datamodules.shared.library import Problem, SplitLibrary
from datamodules.shared.rendering import Note
from kmidi_lab.audio.clips import Sound
from kmidi_lab.chords.chord import Chord, Event, Key, Song
from kmidi_lab.errors import FileError


def bits(value: Any) -> Any:
    """Something that is equal only where types, orders of keys, dtypes and the bits of numbers are."""
    of = type(value)
    if of is float:
        return of, struct.pack("<d", value)
    if isinstance(value, np.ndarray | np.generic):
        return of, value.dtype.str, value.shape, value.tobytes()
    if of in (set, frozenset):
        return of, frozenset(map(bits, value))
    if isinstance(value, list | tuple):
        return of, tuple(map(bits, value))
    if isinstance(value, dict):
        return of, tuple((bits(k), bits(v)) for k, v in value.items())
    if of is slice:
        return of, bits((value.start, value.stop, value.step))
    if dataclasses.is_dataclass(value):
        return of, bits(vars(value))
    return of, value


def again(value: Any, folder: Path) -> Any:
    path = folder / f"x{stored.SUFFIX}"
    path.write_bytes(stored.dumps(value))
    return stored.read(path)


dtypes = st.one_of(
    arrays.boolean_dtypes(), arrays.integer_dtypes(), arrays.unsigned_integer_dtypes(), arrays.floating_dtypes(sizes=(16, 32, 64)),
    arrays.complex_number_dtypes(), arrays.datetime64_dtypes(), arrays.unicode_string_dtypes(max_len=3), arrays.byte_string_dtypes(max_len=3),
)  # fmt: skip
numpys = st.one_of(
    arrays.arrays(dtypes, arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)),
    arrays.arrays(dtypes, (2, 3)).map(lambda a: a.T[::-1]),
    st.sampled_from([np.float32(-0.0), np.float64(1), np.bool_(True), np.int8(3), np.str_("é")]),
)
texts = st.text(st.characters(exclude_categories=()), max_size=5)
hashables = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), texts),
    lambda inner: st.one_of(st.tuples(inner, inner), st.frozensets(inner, max_size=3), st.builds(Key, inner, inner)),
    max_leaves=4,
)
values = st.recursive(
    st.one_of(hashables, st.floats(), numpys),
    lambda inner: st.one_of(
        st.lists(inner, max_size=5), st.lists(inner, max_size=3).map(tuple), st.dictionaries(hashables, inner, max_size=3),
        st.sets(hashables, max_size=3), st.builds(slice, inner, inner, inner), st.builds(Problem, inner, inner, inner, inner),
        st.builds(Note, inner, inner, inner, inner), inner.map(lambda one: [one] * 5),
    ),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(values)
@pytest.mark.slow
def test_everything_comes_back_to_the_bit(tmp_path: Path, value: Any) -> None:
    assert bits(again(value, tmp_path)) == bits(value)


def library() -> SplitLibrary[Any]:
    chord = Chord(0, "dom7", 4, frozenset({0, 4, 7, 10}))
    events = tuple(Event(chord, Key(n % 12, 1), float(n), None if n % 3 else 0.1) for n in range(9))
    songs = [Song(f"s{n}", "x", "\udcff☃", events[n:], (0.5, -0.0) if n else None, tags=("a",)) for n in range(4)]
    sound = Sound(np.arange(12, dtype=np.float16).reshape(3, 4), [np.zeros((0, 4), np.float16)], "k", slice(1, 3))
    return SplitLibrary([*songs, sound], ["train"] * 5, {"sources": [{"name": "x", "songs": 4}]}, {"seed": 1})


def test_a_library_and_numbers_at_the_edge(tmp_path: Path) -> None:
    nan = struct.unpack("<d", struct.pack("<Q", 0x7FF8_0000_DEAD_BEEF))[0]
    edges = [nan, -nan, 5e-324, 2**63 - 1, -(2**63), 2**63, -(2**200), True, 1, 1.0, np.float64(1), 0, False, -0.0]
    for value in (library(), edges, [], (), {}, None, [[]], [()] * 3, {"a": {}}, np.array(5.0), [np.array([nan])]):
        found = again(value, tmp_path)
        assert bits(found) == bits(value)
    found = again(library(), tmp_path)
    found.songs[-1].frames[0] = 9  # as after pickle
    assert found.songs[-1].frames[0, 0] == 9 and found.songs[-1].frames.base is not found.songs[-1].variants[0].base


class Other(list):
    pass


@pytest.mark.parametrize(
    "value",
    [
        object(), print, Path("x"), b"x", 1j, Counter("a"), OrderedDict(a=1), Other(), Path().stat(), np.array([None]),
        np.zeros(2, [("a", "f4")]), np.ma.array([1]), np.rec.array([(1,)]), dataclasses.make_dataclass("D", ["x"])(1), int, Key,
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_is_not_kept_is_prepared_again_each_time(tmp_path: Path, value: Any, caplog: Any) -> None:
    with pytest.raises(TypeError):
        stored.dumps([1, {"a": value}])
    path = tmp_path / f"x{stored.SUFFIX}"
    made = [0]

    def make() -> list[Any]:
        made[0] += 1
        return [value]

    assert cached(path, list, make)[0] is value and cached(path, list, make)[0] is value
    assert made == [2] and not path.exists() and "not kept" in caplog.text


def test_an_attribute_beside_the_fields_is_not_lost_in_silence() -> None:
    report = library()
    report.more = 1  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match="other attributes"):
        stored.dumps(report)


class Evil:
    def __init__(self, mark: str) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return open, (self.mark, "w")


def forged(plan: Any, *parts: np.ndarray) -> bytes:
    out = io.BytesIO()
    text = plan if isinstance(plan, bytes) else orjson.dumps(plan)
    for part in (np.frombuffer(text, np.uint8), *parts):
        np.save(out, part)
    return out.getvalue()


def ints(*numbers: int) -> np.ndarray:
    return np.array(numbers, "<i8")


def forgeries(mark: str) -> dict[str, bytes]:
    whole = stored.dumps(library())
    object_array, pickled = np.array([Evil(mark)], object), io.BytesIO()
    np.save(pickled, object_array)
    command = ["str"], ints(len(mark)), np.frombuffer(mark.encode(), np.uint8), np.zeros(1, "<u4")
    return {
        "empty": b"",
        "pickle": pickle.dumps(Evil(mark)),
        "pickle in an array": forged(["array |O", ["tuple", ["none"]]], object_array),
        "a pickled array": pickled.getvalue(),
        "os.system": forged(["class os system", ["command"], command[0]], *command[1:]),
        "through a module of the lab": forged(["class kmidi_lab.provenance subprocess.Popen", ["args"], command[0]], *command[1:]),
        "a class that acts": forged(["class kmidi_lab.checkpoints LastCheckpoint", ["folder"], command[0]], *command[1:]),
        "imported into the lab": forged(["class kmidi_lab.checkpoints Path", ["x"], command[0]], *command[1:]),
        "other fields": forged(["class datamodules.shared.library Problem", ["file"], command[0]], *command[1:]),
        "relative module": forged(["class .problems Problem", ["file"], command[0]], *command[1:]),
        "lengths": forged(["list", ["int"]], ints(5), ints(1, 2)),
        "negative lengths": forged(["list", ["list", ["int"]]], ints(2), ints(3, -1), ints(1, 2)),
        "huge": forged(["list", ["none"]], ints(2**62), np.zeros(1, np.uint8)),
        "huge array": whole.replace(b"(1,)", b"(9000000000000000,)")[: len(whole)],
        "place": forged(["again", 1, ["int"]], np.array([7], "<u4"), ints(1)),
        "unknown": forged(["bomb"]),
        "no list": forged({"a": 1}),
        "deep": forged(b'["list",' * 900 + b'["none"]' + b"]" * 900, *[ints(1)] * 900),
        "very deep": forged(b"[" * 100_000 + b"]" * 100_000),
        "more behind": whole + b"x",
    }  # fmt: skip


@pytest.mark.parametrize("name", forgeries("x"))
def test_a_file_from_someone_else_is_a_miss(tmp_path: Path, name: str) -> None:
    mark, path = tmp_path / "mark", tmp_path / f"x{stored.SUFFIX}"
    path.write_bytes(forgeries(str(mark))[name])
    with pytest.raises(Exception):  # noqa: B017
        stored.read(path)
    assert bits(cached(path, SplitLibrary, library)) == bits(library())
    assert not mark.exists()
    assert bits(stored.read(path)) == bits(library())


@pytest.mark.slow
def test_a_file_cut_short_or_changed_anywhere_is_a_miss_or_only_other_values(tmp_path: Path) -> None:
    whole, path = stored.dumps(library()), tmp_path / f"x{stored.SUFFIX}"
    for end in range(0, len(whole), 37):
        path.write_bytes(whole[:end])
        with pytest.raises(Exception):  # noqa: B017
            stored.read(path)
    rng = np.random.default_rng(0)
    for _ in range(300):
        changed = bytearray(whole)
        changed[rng.integers(len(whole))] ^= 1 << int(rng.integers(8))
        path.write_bytes(changed)
        assert isinstance(cached(path, SplitLibrary, library), SplitLibrary)


def test_a_cache_that_can_t_be_written_is_known_before_anything_is_prepared(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match="can't be written"):
        cached(tmp_path / "file" / "x.prepared", list, lambda: pytest.fail("prepared in vain"))
