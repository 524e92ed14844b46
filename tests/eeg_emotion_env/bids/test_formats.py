"""BIDS: formats other than EDF, sound and broken."""

import struct

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from eeg_emotion_env.datasets import load
from eeg_emotion_env.datasets.checks import check_folder
from eeg_emotion_env.errors import DataError, DataWarning
from eeg_emotion_env.features import log_band_power
from tests.eeg_emotion_env.bids.builders import BIDS, N_TIMES, SFREQ, means, noise, wave
from tests.eeg_emotion_env.bids.edf_files import write_plus
from tests.eeg_emotion_env.bids.formats import (
    TWO_LABELS,
    write_fdt,
    write_fif,
    write_gdf,
    write_set,
    write_vhdr,
)


@pytest.mark.parametrize(
    ("writer", "name", "n_files"),
    [(write_fif, "s3_raw.fif", 1), (write_vhdr, "s3.vhdr", 2), (write_set, "s3.set", 1)],
)
def test_other_formats(tmp_path, writer, name, n_files):
    writer(tmp_path / name, TWO_LABELS)
    trials = load("bids", tmp_path, normalization="none")
    assert (trials[0].subject, trials[0].channels) == (3, ("FP1", "CZ"))
    expected = log_band_power(np.stack([noise(1), noise(2)]), SFREQ)
    np.testing.assert_allclose(trials[0].features, expected, atol=1e-4)
    np.testing.assert_allclose(trials[0].labels, means(TWO_LABELS, -1, 1), atol=1e-6)
    assert len(trials.recordings[0].reader.files) == n_files


def _markers(path, last):
    """Name a marker file in a header, and write it."""
    path.write_text(path.read_text("utf-8").replace("DataFormat", "MarkerFile=s3.vmrk\nDataFormat"))
    path.with_suffix(".vmrk").write_text(
        "Brain Vision Data Exchange Marker File, Version 1.0\n[Common Infos]\nCodepage=UTF-8\n"
        "DataFile=s3.eeg\n[Marker Infos]\nMk1=New Segment,,1,1,0,20200101000000000000\n"
        f"Mk2=Stimulus,S  1,1500,1,0\n{last}"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda b: b[:-1], "ends within a sample"),
        (lambda b: b[: 16 * 1400], "its markers go on to sample 1500, its data end at 1400"),
        (lambda b: b"", "is cut short"),
    ],
)
def test_data_of_brainvision_that_are_cut_short(tmp_path, change, message):
    path = tmp_path / "s3.vhdr"
    write_vhdr(path, TWO_LABELS)
    _markers(path, "")
    assert len(list(load("bids", tmp_path))) == 1
    data = path.with_suffix(".eeg")
    data.write_bytes(change(data.read_bytes()))
    with pytest.raises(DataError, match=rf"s3\.eeg: .*{message}"):
        load("bids", tmp_path)


@pytest.mark.parametrize(("points", "message"), [(1601, "is cut short"), (1500, "is longer than")])
def test_length_in_the_header_of_brainvision(tmp_path, points, message):
    path = tmp_path / "s3.vhdr"
    write_vhdr(path, TWO_LABELS)
    text = path.read_text("utf-8")
    path.write_text(text.replace("DataFormat", f"DataPoints={N_TIMES}\nDataFormat"))
    assert len(list(load("bids", tmp_path))) == 1
    path.write_text(text.replace("DataFormat", f"DataPoints={points}\nDataFormat"))
    with pytest.raises(DataError, match=rf"s3\.eeg: {message}"):
        load("bids", tmp_path)


def test_interrupted_recordings(tmp_path):
    path = tmp_path / "s3.vhdr"
    write_vhdr(path, TWO_LABELS)
    _markers(path, "Mk3=New Segment,,801,1,0,20200101000100000000\n")
    with pytest.warns(DataWarning, match="s3.vhdr: was interrupted 1 times, first at 4 s"):
        load("bids", tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda b: b[:-1], r"s3\.fdt: is cut short"),
        (lambda b: b + bytes(16), r"s3\.fdt: is longer than its header says"),
        (None, r"s3\.set: cannot be read"),
    ],
)
def test_data_beside_eeglab_headers(tmp_path, change, message):
    path = tmp_path / "s3.set"
    write_fdt(path, TWO_LABELS)
    assert len(list(load("bids", tmp_path))) == 1
    data = path.with_suffix(".fdt")
    data.unlink() if change is None else data.write_bytes(change(data.read_bytes()))
    with pytest.raises(DataError, match=message):
        load("bids", tmp_path)


def test_scales_of_gdf_files(tmp_path):
    path, rows = (
        tmp_path / "s3.gdf",
        {"Fp1": noise(1), "Cz": noise(2), "VA1": wave(), "VA2": wave(1)},
    )
    write_gdf(path, rows, [(-4000, 4000), (-500, 500), (0, 9), (-9, 9)])
    trial = load("bids", tmp_path, normalization="none")[0]
    expected = log_band_power(np.stack([noise(1), noise(2)]), SFREQ)
    np.testing.assert_allclose(trial.features, expected, atol=0.05)
    np.testing.assert_allclose(trial.labels, means([wave(), wave(1)]), atol=1e-3)
    whole = path.read_bytes()
    for rest in (100, 6000, 12000):
        path.write_bytes(whole[:-rest])
        with pytest.raises(DataError, match=r"s3\.gdf: (cannot be read|is cut short)"):
            load("bids", tmp_path)


@pytest.mark.parametrize("rest", [30000, 10000, 20, 5])
def test_fif_files_that_are_cut_short(tmp_path, rest):
    path = tmp_path / "s3_raw.fif"
    write_fif(path, TWO_LABELS)
    path.write_bytes(path.read_bytes()[:-rest])
    with pytest.raises(DataError, match=r"s3_raw\.fif: (is cut short|not a FIF file, or damaged)"):
        load("bids", tmp_path)


def test_types_that_crash_the_reader_of_eeglab_files(tmp_path):
    path = tmp_path / "s3.set"
    write_set(path, TWO_LABELS)
    whole = path.read_bytes()
    for old, kind in ((9, 49), (9, 8), (14, 62), (6, 300)):
        # The first tag of that type in the file: values, array, flags.
        place = next(
            i for i in range(136, len(whole), 8) if struct.unpack_from("<I", whole, i)[0] == old
        )
        path.write_bytes(whole[:place] + struct.pack("<I", kind) + whole[place + 4 :])
        with pytest.raises(DataError, match=r"s3\.set: cannot be read \(an (element|array) of"):
            load("bids", tmp_path)
    path.write_bytes(whole)
    content = loadmat(path, appendmat=False)["EEG"]
    savemat(path, {"EEG": content}, appendmat=False, do_compression=True)
    assert len(list(load("bids", tmp_path))) == 1


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_checksum_of_compressed_files(tmp_path, share):
    path = tmp_path / "s3_raw.fif.gz"
    write_fif(path, TWO_LABELS)
    content = bytearray(path.read_bytes())
    content[int(share * len(content))] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"s3_raw\.fif\.gz: cannot be read"):
        load("bids", tmp_path)


ANY_DAMAGE = {
    "half": lambda b: b[: len(b) // 2],
    "a tenth": lambda b: b[: len(b) // 10],
    "empty": lambda b: b"",
    "text": lambda b: b"hello world\n" * 500,
    "zeros": lambda b: bytes(len(b)),
    "random": lambda b: np.random.default_rng(0).bytes(len(b)),
    "page": lambda b: b"<html><body>404</body></html>",
    "pointer": lambda b: b"version https://git-lfs.github.com/spec/v1\noid sha256:a\nsize 12\n",
}


@pytest.mark.parametrize("damage", ANY_DAMAGE)
@pytest.mark.parametrize(
    ("writer", "name"),
    [
        (lambda path, labels: write_plus(path, range(8), "EDF+C"), "s3.edf"),
        (write_fif, "s3_raw.fif"),
        (write_fif, "s3_raw.fif.gz"),
        (write_vhdr, "s3.vhdr"),
        (write_set, "s3.set"),
        (write_fdt, "s3.set"),
    ],
)
def test_any_damage_of_any_format_is_one_line(tmp_path, writer, name, damage, capsys):
    writer(tmp_path / name, TWO_LABELS)
    for path in sorted(tmp_path.iterdir()):
        whole = path.read_bytes()
        path.write_bytes(ANY_DAMAGE[damage](whole))
        is_half = damage == "half" and path.suffix == ".eeg"  # a shorter recording, to all it says
        if not is_half:
            with pytest.raises(DataError) as error:
                list(load("bids", tmp_path))
            assert "\n" not in str(error.value)
            assert str(error.value).startswith(str(tmp_path / "s3"))
            assert not check_folder(BIDS, tmp_path).ok
        path.write_bytes(whole)
    assert len(list(load("bids", tmp_path))) == 1


def test_nan_in_eeg_is_named(tmp_path):
    signals = np.stack([noise(1), noise(2)])
    signals[1, 900] = np.nan
    labels = np.zeros((2, N_TIMES))
    write_fif(tmp_path / "s3_raw.fif", labels, signals)
    with pytest.raises(DataError, match=r"s3_raw\.fif: EEG holds NaN .*row 2"):
        list(load("bids", tmp_path))


@pytest.mark.parametrize("name", ["a.fif", "a.vhdr", "a.set", "a.gdf", "a.bdf", "a.cnt", "a.cdt"])
@pytest.mark.parametrize("content", [b"", b"x" * 5000, bytes(5000)])
def test_files_of_other_formats_that_are_broken(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as error:
        load("bids", tmp_path)
    assert str(error.value).startswith(str(tmp_path / name))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("following", [-2, 16])
def test_tags_that_lead_back_are_not_followed_for_ever(tmp_path, following):
    path = tmp_path / "s3_raw.fif"
    write_fif(path, np.zeros((2, N_TIMES)))
    content = bytearray(path.read_bytes())
    place = 0 if following < 0 else 36  # the first tag, or the second
    content[place + 12 : place + 16] = struct.pack(">i", following)
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"s3_raw\.fif: not a FIF file, or damaged"):
        load("bids", tmp_path)


def test_values_beyond_all_reason(tmp_path):
    signals = np.stack([noise(1), noise(2)])
    signals[0, 7] = 1e200
    write_fif(tmp_path / "s3_raw.fif", np.zeros((2, N_TIMES)), signals)
    with pytest.raises(DataError, match=r"EEG reaches 1e\+200 µV"):
        list(load("bids", tmp_path))


def test_missing_companion_is_named(tmp_path):
    write_vhdr(tmp_path / "s3.vhdr", np.zeros((2, N_TIMES)))
    (tmp_path / "s3.eeg").unlink()
    with pytest.raises(DataError, match=r"s3\.vhdr: cannot be read"):
        load("bids", tmp_path)
