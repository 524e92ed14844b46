"""The families of features that the SEED releases store beside the raw EEG."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.features import block_mean, log_band_power
from eeg_emotion_env.montage import SEED_CHANNELS
from eeg_emotion_env.tables.seed import SFREQ
from eeg_emotion_env.trial import FloatArray

FAMILIES = ("de", "psd", "dasm", "rasm", "asm", "dcau")
SMOOTHINGS = ("movingAve", "LDS")

_FRONT = "FT7 FC5 FC3 FC1 FCZ FC2 FC4 FC6 FT8 F7 F5 F3 F1 FZ F2 F4 F6 F8 FP1 FPZ FP2 AF3 AF4"
_BACK = "TP7 CP5 CP3 CP1 CPZ CP2 CP4 CP6 TP8 P7 P5 P3 P1 PZ P2 P4 P6 P8 O1 OZ O2 CB1 CB2"


def feature_variables(
    eeg: FloatArray,
    trial: int,
    window_s: int,
    families: Sequence[str] = FAMILIES,
    smoothings: Sequence[str] = SMOOTHINGS,
) -> dict[str, NDArray[np.float64]]:
    """Compute the variables of one trial, in the order of the release's files.

    The smoothings are centred, as the release's are taken to be: a moving average over five
    windows, and a Gaussian in place of the linear dynamic system.

    Parameters
    ----------
    eeg : ndarray, shape (62, n_samples), float32
        Raw EEG at 200 Hz, microvolts.
    trial : int
        Number of the trial, from 1.
    window_s : int
        Seconds a window, without overlap.
    families, smoothings : sequence of str
        Which to give; ``"plain"`` does not smooth.

    Returns
    -------
    dict
        ``<family>_<smoothing><trial>`` to float64 of shape (n_rows, n_windows, 5), with 62 rows
        for de and psd, 27 for dasm and rasm, 54 for asm and 23 for dcau.
    """
    from scipy.ndimage import gaussian_filter1d, uniform_filter1d

    power = np.exp(log_band_power(eeg, SFREQ))
    power = block_mean(power, window_s).transpose(1, 0, 2).astype(np.float64)
    smoothers: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
        "plain": lambda rows: rows,
        "movingAve": lambda rows: uniform_filter1d(rows, 5, axis=1, mode="nearest"),
        "LDS": lambda rows: gaussian_filter1d(rows, 4.0, axis=1, mode="nearest"),
    }
    variables = {}
    rows_of = _families(power)
    for family in families:
        rows = rows_of[family]
        for smoothing in smoothings:
            variables[f"{family}_{smoothing}{trial}"] = smoothers[smoothing](rows)
    return variables


def _families(power: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    # log2 of a hundred times the band's energy gives the magnitudes of the release.
    entropy = np.log2(100.0 * power)
    left = [place for place, name in enumerate(SEED_CHANNELS) if name[-1] in "1357"]
    right = [SEED_CHANNELS.index(_mirror(SEED_CHANNELS[place])) for place in left]
    difference = entropy[left] - entropy[right]
    ratio = entropy[left] / entropy[right]
    front, back = (
        [SEED_CHANNELS.index(name) for name in names.split()] for names in (_FRONT, _BACK)
    )
    return {
        "de": entropy,
        "psd": power,
        "dasm": difference,
        "rasm": ratio,
        "asm": np.concatenate([difference, ratio]),
        "dcau": entropy[front] - entropy[back],
    }


def _mirror(name: str) -> str:
    return name[:-1] + str(int(name[-1]) + 1)
