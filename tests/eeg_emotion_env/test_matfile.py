"""MAT files: what is read is what was written, or an error that names the file."""

import numpy as np
import pytest
from scipy.io import savemat

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


def test_cells(tmp_path):
    cells = np.empty((2, 1), dtype=object)
    cells[:, 0] = [np.ones((1, 3)), np.zeros((1, 5))]
    savemat(tmp_path / "x.mat", {"labels": cells, "n": 1})
    read = load_variable(tmp_path / "x.mat", "labels")
    assert [cell.shape for cell in read.ravel()] == [(1, 3), (1, 5)]


def test_a_changed_file_is_read_anew(path):
    load_variable(path, "a")
    savemat(path, {"z": np.zeros((7, 7)), "a": np.ones((1, 1))})
    np.testing.assert_array_equal(load_variable(path, "a"), [[1.0]])


def test_unknown_variable(path):
    with pytest.raises(DataError, match="has no variable 'c'"):
        load_variable(path, "c")


def assert_right_or_refused(path, name, value):
    said = ""
    try:
        np.testing.assert_array_equal(load_variable(path, name), value)
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


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.9999])
def test_a_truncated_file_is_never_a_wrong_number(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    for name, value in CONTENT.items():
        assert_right_or_refused(path, name, value)
    with pytest.raises(DataError):
        load_variables(path, list(CONTENT))
