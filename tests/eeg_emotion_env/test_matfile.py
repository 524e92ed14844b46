"""MAT files: what is read is what was written, or an error that names the file."""

import struct
import zlib

import numpy as np
import pytest
from scipy.io import savemat
from scipy.sparse import csc_matrix

from eeg_emotion_env.errors import DataError
from eeg_emotion_env.matfile import list_variables, load_variable, load_variables

CONTENT = {
    "a": np.arange(12.0).reshape(3, 4),
    "long_name_of_a_variable": np.random.default_rng(0).normal(size=(62, 400)),
    "b": np.array([[1, 0, -1]], dtype=np.int16),
}


@pytest.fixture(params=[True, False], ids=["compressed", "plain"])
def path(request, tmp_path):
    savemat(tmp_path / "x.mat", CONTENT, do_compression=request.param)
    return tmp_path / "x.mat"


def test_names_shapes_and_values(path):
    assert list_variables(path) == {name: value.shape for name, value in CONTENT.items()}
    read = load_variables(path, ["b", "a"])
    assert list(read) == ["b", "a"]
    for name in CONTENT:
        np.testing.assert_array_equal(load_variable(path, name), CONTENT[name])


def cell(*arrays):
    cells = np.empty((len(arrays), 1), dtype=object)
    for i, array in enumerate(arrays):
        cells[i, 0] = array
    return cells


def test_cells(tmp_path):
    content = {
        "labels": cell(np.ones((1, 3)), np.zeros((1, 5))),
        "alike": cell(np.arange(3.0)[None], np.ones((1, 3))),
        "nested": cell(cell(np.full((2, 2), 7)), np.zeros((0, 3))),
    }
    savemat(tmp_path / "x.mat", {**content, "n": 1})
    read = load_variables(tmp_path / "x.mat", list(content))
    assert [cell.shape for cell in read["labels"].ravel()] == [(1, 3), (1, 5)]
    np.testing.assert_array_equal(read["alike"][0, 0], [[0.0, 1.0, 2.0]])
    np.testing.assert_array_equal(read["nested"][0, 0][0, 0], [[7, 7], [7, 7]])
    assert read["nested"][1, 0].shape == (0, 3)


CLASSES = {"f8": 6, "f4": 7, "i1": 8, "u1": 9, "i2": 10, "u2": 11, "i4": 12, "i8": 14}
TYPES = {"i1": 1, "u1": 2, "i2": 3, "u2": 4, "i4": 5, "u4": 6, "f4": 7, "f8": 9, "i8": 12}


def element(kind, content, order="<"):
    """Pack as MATLAB does: up to four bytes lie in the tag."""
    if 0 < len(content) <= 4:
        return struct.pack(f"{order}I", len(content) << 16 | kind) + content.ljust(4, b"\0")
    return struct.pack(f"{order}II", kind, len(content)) + content + bytes(-len(content) % 8)


def array(name, values, stored=None, kind=None, *, value_type=None, shape=None, order="<"):
    """Pack an array of any class whose values are stored in any type."""
    stored = stored or values.dtype.str[1:]
    parts = (
        (6, struct.pack(f"{order}II", kind or CLASSES[values.dtype.str[1:]], 0)),
        (5, struct.pack(f"{order}{values.ndim}i", *(shape or values.shape))),
        (1, name.encode()),
        (
            TYPES[stored] if value_type is None else value_type,
            values.astype(order + stored).tobytes(order="F"),
        ),
    )
    content = b"".join(element(*part, order) for part in parts)
    return struct.pack(f"{order}II", 14, len(content)) + content


def write(path, *arrays, order="<", packed=False):
    if packed:
        streams = [zlib.compress(content) for content in arrays]
        arrays = [struct.pack(f"{order}II", 15, len(s)) + s for s in streams]
    mark = struct.pack(f"{order}H", 0x0100) + {"<": b"IM", ">": b"MI"}[order]
    path.write_bytes(b"MATLAB 5.0".ljust(124) + mark + b"".join(arrays))
    return path


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("kind", "stored"),
    [("f8", "i1"), ("f8", "i4"), ("f8", "f4"), ("f4", "u2"), ("i4", "u1")]
    + [(kind, kind) for kind in CLASSES],
)
def test_numbers_may_be_stored_in_a_narrower_type(tmp_path, kind, stored, order, packed):
    many, few = np.arange(24).reshape(4, 6).astype(kind), np.array([[3]], kind)
    content = (array(n, v, stored, order=order) for n, v in (("many", many), ("few", few)))
    path = write(tmp_path / "x.mat", *content, order=order, packed=packed)
    for name, values in (("many", many), ("few", few)):
        read = load_variable(path, name)
        np.testing.assert_array_equal(read, values)
        assert read.dtype == np.dtype(order + kind)


@pytest.mark.parametrize(
    ("kind", "stored"), [("f8", "i8"), ("f4", "f8"), ("f4", "i4"), ("i2", "u2"), ("i8", "f4")]
)
def test_numbers_are_never_stored_in_another_type(tmp_path, kind, stored):
    path = write(tmp_path / "x.mat", array("a", np.ones((2, 3), kind), stored))
    with pytest.raises(DataError, match="damaged"):
        load_variable(path, "a")


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("code", [0, 8, 10, 11, 14, 15, 16, 17, 18, 77, 255, 65535])
def test_types_of_values_that_do_not_exist(tmp_path, code, packed):
    values = np.ones((3, 4))
    path = write(tmp_path / "x.mat", array("a", values, value_type=code), packed=packed)
    with pytest.raises(DataError, match=rf"x\.mat: damaged .*unknown type {code}\)"):
        load_variable(path, "a")


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize(
    "shape", [(3, 3), (3, 5), (3, 0), (12, 2**30), (2**31 - 1, 2**31 - 1), (3, -4)]
)
def test_shapes_that_the_values_do_not_have(tmp_path, shape, packed):
    path = write(tmp_path / "x.mat", array("a", np.ones((3, 4)), shape=shape), packed=packed)
    with pytest.raises(DataError, match=r"x\.mat: damaged"):
        load_variable(path, "a")


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (csc_matrix(np.eye(3)), "sparse"),
        ({"field": 1}, "struct"),
        ("text", "char"),
        (np.ones((2, 2)) * 1j, "complex"),
    ],
)
def test_other_classes_are_named_where_they_are_needed(tmp_path, content, name):
    path = tmp_path / "x.mat"
    savemat(path, {"other": content, "a": CONTENT["a"]})
    np.testing.assert_array_equal(load_variable(path, "a"), CONTENT["a"])
    with pytest.raises(DataError, match=rf"other holds .*{name}.*; restore the file"):
        load_variable(path, "other")
    savemat(path, {"cell": cell(CONTENT["a"], content)})
    with pytest.raises(DataError, match=f"cell holds .*{name}"):
        load_variable(path, "cell")


def test_objects_without_dimensions_are_passed_by(tmp_path):
    parts = (6, struct.pack("<II", 17, 0)), (1, b"table"), (1, b"MCOS"), (1, b"string")
    content = b"".join(element(*part) for part in parts)
    opaque = struct.pack("<II", 14, len(content)) + content
    path = write(tmp_path / "x.mat", opaque, array("a", CONTENT["a"]))
    np.testing.assert_array_equal(load_variable(path, "a"), CONTENT["a"])
    with pytest.raises(DataError, match="table holds an array of class opaque"):
        load_variable(path, "table")


@pytest.mark.parametrize("kind", [0, 99])
def test_classes_that_do_not_exist(tmp_path, kind):
    path = write(tmp_path / "x.mat", array("a", np.ones((2, 2)), kind=kind or 256))
    with pytest.raises(DataError, match=rf"damaged .*an array of unknown class {kind}"):
        load_variable(path, "a")


def test_a_changed_file_is_read_anew(path):
    load_variable(path, "a")
    savemat(path, {"z": np.zeros((7, 7)), "a": np.ones((1, 1))})
    np.testing.assert_array_equal(load_variable(path, "a"), [[1.0]])


def test_unknown_variable(path):
    with pytest.raises(DataError, match="has no variable 'c'"):
        load_variable(path, "c")


def assert_right_or_refused(path, name, value, part=lambda read: read):
    said = ""
    try:
        np.testing.assert_array_equal(part(load_variable(path, name)), value)
    except DataError as error:
        said = str(error)
    assert not said or (said.startswith(str(path)) and "\n" not in said)


@pytest.mark.parametrize("seed", range(40))
def test_a_flipped_bit_of_compressed_data_is_never_a_wrong_number(tmp_path, seed):
    path = tmp_path / "x.mat"
    savemat(path, CONTENT, do_compression=True)
    content = bytearray(path.read_bytes())
    rng = np.random.default_rng(seed)
    content[rng.integers(128, len(content))] ^= 1 << int(rng.integers(8))
    path.write_bytes(content)
    for name, value in CONTENT.items():
        assert_right_or_refused(path, name, value)


@pytest.mark.parametrize("flipped", [1, 128, 255])
def test_a_flipped_byte_of_a_head_is_never_a_wrong_number(tmp_path, flipped):
    path = tmp_path / "x.mat"
    content = {"cell": cell(np.array([[0.25, 1e3]]), np.array([[1, 2, 3]])), "a": np.ones((2, 3))}
    savemat(path, content)
    sound = path.read_bytes()
    values = [array.tobytes() for array in (*content["cell"].ravel(), content["a"])]
    places = [range(sound.index(v), sound.index(v) + len(v)) for v in values]
    for place in range(len(sound)):
        if any(place in span for span in places):
            continue
        damaged = bytearray(sound)
        damaged[place] ^= flipped
        path.write_bytes(damaged)
        assert_right_or_refused(path, "a", content["a"])
        for i, values in enumerate(content["cell"].ravel()):
            assert_right_or_refused(path, "cell", values, lambda read, i=i: read[i, 0])


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.9999])
def test_a_truncated_file_is_never_a_wrong_number(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    for name, value in CONTENT.items():
        assert_right_or_refused(path, name, value)
    with pytest.raises(DataError):
        load_variables(path, list(CONTENT))
