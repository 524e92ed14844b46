"""Entries without the bands above 30 Hz: ``--entries ridge,benchmarks.below_30_hz:ridge,…``.

Facial muscle is loudest above 30 Hz. An entry that follows emotion without these bands does not
live on muscle alone; the report compares each entry with itself. Every competitor of `ENTRIES` has
its counterpart here under its own name, on the leaderboard ``<entry> (<30 Hz)``; an entry of your
own has one by `below_30_hz`.
"""

from benchmarks.counterparts import Family
from benchmarks.statistics.roles import WITHOUT_HIGH_BANDS
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.features import BANDS
from eeg_emotion_env.trial import Trial

HIGH_HZ = 30.0
"""Bands that begin here or above are left out; beta ends at 31 Hz and stays."""


def without_bands(trial: Trial) -> Trial:
    """Leave out the bands above 30 Hz, and with them the raw EEG that holds them.

    Parameters
    ----------
    trial : Trial
        Trial, with or without such bands.

    Returns
    -------
    Trial
        The same with the other bands alone.

    Raises
    ------
    ConfigError
        If the frequencies of a band are not known, or no band remains.
    """
    unknown = [band for band in trial.bands if band not in BANDS]
    if unknown:
        raise ConfigError(
            f"{trial.origin or trial.key}: the frequencies of band {', '.join(unknown)} are not "
            f"known, only those of {', '.join(BANDS)}: name bands so to leave out the high ones"
        )
    kept = [i for i, band in enumerate(trial.bands) if BANDS[band][0] < HIGH_HZ]
    if not kept:
        raise ConfigError(f"{trial.origin or trial.key}: has no band below 30 Hz")
    return trial.replace(
        features=trial.features[..., kept],
        bands=tuple(trial.bands[i] for i in kept),
        read_eeg=None,
    )


FAMILY = Family(
    __name__,
    WITHOUT_HIGH_BANDS[0],
    "without the bands above 30 Hz",
    lambda trials: [without_bands(trial) for trial in trials],
    without_bands,
)

below_30_hz = FAMILY.of
"""Makes the counterpart of an entry of one's own: ``class Mine2(below_30_hz(Mine)): ...``."""

__getattr__ = FAMILY.named
