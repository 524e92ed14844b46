"""Recordings of the subject s3 in other formats than EDF: FIF, BrainVision, EEGLAB and GDF."""

import struct

import mne
import numpy as np
from scipy.io import loadmat, savemat

from tests.eeg_emotion_env.bids.builders import N_TIMES, SECONDS, SFREQ, converted, noise, wave

TWO_LABELS = np.stack([wave(0, 0.0, 0.5), wave(1, 0.0, 0.5)])
"""Valence and arousal within [-1, 1], shape (2, n_times)."""


def write_fif(path, labels, signals=None):
    names = ["Fp1", "Cz", "valence", "arousal"]
    info = mne.create_info(names, SFREQ, ["eeg"] * 2 + ["misc"] * 2)
    signals = np.stack([noise(1), noise(2)]) if signals is None else signals
    raw = mne.io.RawArray(np.vstack([signals * 1e-6, labels]), info, verbose="error")
    raw.save(path, fmt="double", verbose="error")


def write_vhdr(path, labels):
    stored = np.vstack([noise(1), noise(2), labels]).astype("<f4")
    path.with_suffix(".eeg").write_bytes(stored.T.tobytes())
    channels = [f"Ch{n}={name},,1,µV" for n, name in enumerate(("Fp1", "Cz", "valence"), 1)]
    lines = [
        "Brain Vision Data Exchange Header File Version 1.0",
        "[Common Infos]",
        *("Codepage=UTF-8", f"DataFile={path.stem}.eeg", "DataFormat=BINARY"),
        *("DataOrientation=MULTIPLEXED", "NumberOfChannels=4", "SamplingInterval=5000"),
        *("[Binary Infos]", "BinaryFormat=IEEE_FLOAT_32", "[Channel Infos]"),
        *(*channels, "Ch4=arousal,,1,n/a"),
    ]
    path.write_text("\n".join(lines), encoding="utf-8")


def write_set(path, labels):
    names = np.array([("Fp1",), ("Cz",), ("valence",), ("arousal",)], dtype=[("labels", object)])
    unused = ("event", "epoch", "icawinv", "icasphere", "icaweights", "icaact")
    nothing = {name: [] for name in unused}
    facts = {"nbchan": 4.0, "trials": 1.0, "pnts": float(N_TIMES), "srate": float(SFREQ)}
    data = np.vstack([noise(1), noise(2), labels])
    limits = {"xmin": 0.0, "xmax": SECONDS - 1 / SFREQ, "icachansind": [], "ref": "common"}
    content = {"setname": "x", "data": data, "chanlocs": names, **facts, **nothing, **limits}
    savemat(path, {"EEG": content}, oned_as="row", appendmat=False)


def write_fdt(path, labels):
    write_set(path, labels)
    data = np.vstack([noise(1), noise(2), labels]).astype("<f4")
    path.with_suffix(".fdt").write_bytes(data.T.tobytes())
    content = loadmat(path, appendmat=False)["EEG"]
    content["data"][0, 0] = content["setname"][0, 0] = path.with_suffix(".fdt").name
    savemat(path, {"EEG": content}, appendmat=False)


def write_gdf(path, rows, spans):
    """Write a GDF 1.25 file by hand from name: values, with 16 bits over each span."""
    n_signals, n_records = len(rows), SECONDS
    head = b"GDF 1.25" + b" " * 160 + b"2020050500000000"
    head += struct.pack("<q", 256 * (n_signals + 1)) + bytes(44)
    head += struct.pack("<qIII", n_records, 1, 1, n_signals)
    head += b"".join(name.encode().ljust(16) for name in rows) + bytes(80 * n_signals)
    head += b"uV      " * n_signals + np.array(spans).T.astype("<f8").tobytes()
    head += np.repeat([-32768, 32767], n_signals).astype("<i8").tobytes()
    head += bytes(80 * n_signals) + np.repeat([SFREQ, 3], n_signals).astype("<i4").tobytes()
    data = b""
    for record in range(n_records):
        for values, (low, high) in zip(rows.values(), spans, strict=True):
            data += converted(values, record, low, high)
    path.write_bytes(head + bytes(32 * n_signals) + data + bytes(8))
