"""From a data set's name to episodes of latents: read, encoded and cached once per process."""

import json
import os
import warnings
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.datasets import Trials, load_dataset
from eeg_emotion_env.episodes import EPISODE_KINDS, Episodes
from eeg_emotion_env.errors import ConfigError, DataWarning, check_choice
from eeg_emotion_env.features import band_weights
from eeg_emotion_env.montage import directions
from eeg_emotion_env.paths import home_expanded
from eeg_emotion_env.trial import FloatArray, Trial

if TYPE_CHECKING:
    from encoders import FrozenEncoder

MAX_OPEN = 4
"""Data sets (with all their options) whose latents are kept for further environments."""

_OPEN: OrderedDict[str, Episodes] = OrderedDict()


def load_latent_episodes(
    dataset: str,
    data: str | os.PathLike[str] | None = None,
    *,
    source: str | None = None,
    encoder: str = "auto",
    normalization: str = "past",
    episode: str = "trial",
    subjects: Sequence[int | str] | None = None,
    dataset_options: Mapping[str, Any] | None = None,
) -> Episodes:
    """Open a data set as lazy episodes of latents.

    Environments of one process that ask for the same share what is read and encoded, until
    recordings, labels or encoder change.

    Parameters
    ----------
    dataset : str
        Registry name of the data set.
    data : path-like or None
        Folder of the recordings; None: see `eeg_emotion_env.datasets.load`.
    source : str or None
        As `eeg_emotion_env.datasets.load`.
    encoder : str
        As `make_encoder`.
    normalization : str
        As `eeg_emotion_env.datasets.load`.
    episode : str
        ``"trial"`` or ``"session"``.
    subjects : sequence or None
        Subjects to keep; None for all.
    dataset_options : mapping or None
        Options of the data set, and ``label_delay_s`` (see `eeg_emotion_env.datasets.load`).

    Returns
    -------
    Episodes
        Lazy sequence of `Episode`.
    """
    check_choice("episode", episode, EPISODE_KINDS)
    options = dict(dataset_options or {})
    label_delay_s = options.pop("label_delay_s", 0.0)
    # Opened each time, which is cheap: so that each environment is checked and warned about.
    trials = load_dataset(
        dataset,
        data,
        options,
        normalization=normalization,
        source=source,
        label_delay_s=label_delay_s,
    )
    encode = make_encoder(encoder, trials)
    name = json.dumps([trials.state(), encoder, _files(encoder), episode], default=str)
    if name not in _OPEN:
        _OPEN[name] = Episodes(trials, encode, episode, encode.codes)
        if len(_OPEN) > MAX_OPEN:
            _OPEN.popitem(last=False)
    _OPEN.move_to_end(name)
    return _OPEN[name] if subjects is None else _OPEN[name].select(subjects)


class LatentEncoder:
    """The encoder of an environment: features to latents and prototypes.

    Parameters
    ----------
    load : callable or None
        Returns the frozen encoder, or None for plain features; called when it is first needed.
    """

    def __init__(self, load: Callable[[], "FrozenEncoder | None"] | None = None) -> None:
        self._load = cache(load) if load else lambda: None

    def __call__(self, features: FloatArray) -> FloatArray:
        """Return features (n_steps, n_channels, n_bands) as latents (n_steps, n_latent)."""
        encoder = self._load()
        return flatten(features) if encoder is None else encoder.encode(features)

    def codes(self, features: FloatArray) -> NDArray[np.int64] | None:
        """Return the codebook entry of each step, shape (n_steps,); None without a codebook."""
        encoder = self._load()
        if encoder is None or encoder.config.quantizer == "none":
            return None
        return encoder.codes(features)


def make_encoder(encoder: str, trials: Trials) -> LatentEncoder:
    """Choose the frozen encoder; it is loaded when the first trial is encoded.

    Parameters
    ----------
    encoder : str
        ``"shipped"`` for the weights that come with the package and fit the trials, ``"none"``
        for the normalised features as they are, ``"auto"`` for the shipped weights if any fit and
        else, with a warning, none, or the folder of an encoder.
    trials : Trials
        What will be encoded; the encoder must have been made for such trials.

    Returns
    -------
    LatentEncoder
        Features (n_steps, n_channels, n_bands) to latents (n_steps, n_latent), float32.

    Raises
    ------
    ConfigError
        If `encoder` is neither a known word nor an existing folder.
    """
    if encoder == "none":
        return LatentEncoder()
    if encoder not in ("auto", "shipped") and not home_expanded(encoder).is_dir():
        raise ConfigError(
            f"encoder must be 'auto', 'shipped', 'none' or the folder of an encoder, not "
            f"{encoder!r}"
        )

    def load() -> "FrozenEncoder | None":
        # Here alone is torch needed.
        from encoders import load_encoder

        if encoder not in ("auto", "shipped"):
            return fitted(require_causal(load_encoder(home_expanded(encoder))), trials[0])
        return _shipped(trials[0], encoder == "shipped")

    return LatentEncoder(load)


def _shipped(trial: Trial, required: bool) -> "FrozenEncoder | None":
    """Return the first shipped encoder that fits a trial; None, with a warning, if none does."""
    from encoders import shipped_encoder, shipped_encoders

    names = []
    for name, description in shipped_encoders().items():
        try:
            require_fitting(description, trial)
        except ConfigError:
            names.append(name)
        else:
            if trial.source == "recorded":
                warnings.warn(
                    f"latents of {trial.dataset} come from weights that were pretrained on "
                    "simulated EEG. Pretrain an encoder on your training subjects (eegdancer "
                    "pretrain) and give its folder as encoder=…",
                    DataWarning,
                    stacklevel=2,
                )
            return shipped_encoder(name)
    facts = f"{len(trial.channels)} channels × {len(trial.bands)} bands at {trial.step_s:g} s"
    if trial.normalization == "none":
        raise ConfigError(
            f"encoders are made for normalised features, and {trial.key} is not: choose a "
            "normalization, or encoder='none' (observations are then limited to their bounds)"
        )
    if required:
        raise ConfigError(
            f"no shipped encoder ({', '.join(names)}) is made for {facts}; pretrain one on such "
            "trials, or use encoder='none'"
        )
    warnings.warn(
        f"no shipped encoder is made for {facts}: observations hold the features themselves. "
        "Pretrain one (eegdancer pretrain) and give its folder as encoder=…, or say encoder='none'",
        DataWarning,
        stacklevel=2,
    )
    return None


def require_causal(encoder: "FrozenEncoder") -> "FrozenEncoder":
    """Return the encoder, or raise `ConfigError` if it looks ahead."""
    if encoder.config.bidirectional:
        raise ConfigError(
            "the encoder is bidirectional: its latents know the future; it is for offline "
            "comparison alone. Pretrain a causal one"
        )
    return encoder


def fitted(encoder: "FrozenEncoder", trial: Trial) -> "FrozenEncoder":
    """Return the encoder for the channels and bands of a trial.

    Parameters
    ----------
    encoder : FrozenEncoder
        Any encoder.
    trial : Trial
        One of the trials to encode.

    Returns
    -------
    FrozenEncoder
        The same, or, if it works on sites of the head and the trial has other channels or bands
        than its pretraining, one that shares its weights.

    Raises
    ------
    ConfigError
        If it cannot work on such trials.
    """
    made = encoder.description
    if not encoder.config.n_sites:
        require_fitting(made, trial)
        return encoder
    require_fitting({k: v for k, v in made.items() if k not in ("channels", "bands")}, trial)
    if list(trial.channels) == made.get("channels") and list(trial.bands) == made.get("bands"):
        return encoder
    bands = made.get("bands", made.get("made_for", {}).get("bands"))
    weights = None
    if bands is not None and list(trial.bands) != bands:
        weights = band_weights(bands, trial.bands)
    elif bands is None and len(trial.bands) != encoder.config.n_bands:
        raise ConfigError(
            f"the encoder has {encoder.config.n_bands} bands and does not say which, and "
            f"{trial.key} has {_short(trial.bands)}; pretrain one with eegdancer pretrain"
        )
    return encoder.on(directions(trial.channels), weights)


def require_fitting(description: Mapping[str, Any], trial: Trial) -> None:
    """Refuse an encoder that was made for other features than a trial has.

    Parameters
    ----------
    description : mapping
        The encoder's notes; what they do not say is not compared.
    trial : Trial
        One of the trials to encode.

    Raises
    ------
    ConfigError
        If channels, bands or steps differ, or only one of both was normalised.
    """
    for what in ("channels", "bands", "step_s", "normalization"):
        made, given = description.get(what), getattr(trial, what)
        if what == "normalization":
            differs = made is not None and (made == "none") != (given == "none")
        else:
            differs = made is not None and json.dumps(made) != json.dumps(given)
        if differs:
            way = "sites (eegdancer pretrain --sites 32)" if what == "channels" else "such trials"
            raise ConfigError(
                f"the encoder was made for {what} {_short(made)}, but {trial.key} has "
                f"{_short(given)}; pretrain one on {way}"
            )


def _short(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def flatten(features: FloatArray) -> FloatArray:
    """Return features (n_steps, n_channels, n_bands) as latents (n_steps, n_channels * n_bands)."""
    return features.reshape(len(features), -1)


def _files(root: str) -> list[tuple[str, int, int]]:
    """List names, sizes and times of the files of an encoder: they tell when it changes."""
    folder = home_expanded(root)
    if not folder.is_dir():
        return []
    stats = [(str(path), path.stat()) for path in sorted(folder.rglob("*")) if path.is_file()]
    return [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]
