"""`Trial`: one EEG recording of one stimulus with its label track, the unit of everything."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eeg_emotion_env.errors import DataError

if TYPE_CHECKING:
    from eeg_emotion_env.datasets.recording import Signal
    from eeg_emotion_env.simulation import SimulationConfig

LABEL_KINDS = (
    "continuous-self",
    "continuous-external",
    "recalled-intensity",
    "constant-class",
    "simulated",
)
NORMALIZATIONS = ("none", "past", "subject")
SOURCES = ("recorded", "simulated")

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, order=True)
class TrialKey:
    """Identity of a trial, known without reading its signal.

    Attributes
    ----------
    dataset : str
        Registry name of the data set, such as ``"seed"``.
    subject : int or str
        Subject as the data set numbers it.
    session : int
        Session of the subject, from 1.
    trial : int
        Trial within the session, from 1, in the order of recording.
    stimulus : str or None
        Name of the stimulus, equal for all subjects who saw it; None where it is not known.
    """

    dataset: str
    subject: int | str
    session: int
    trial: int
    stimulus: str | None = None

    def __str__(self) -> str:
        return f"{self.dataset} subject {self.subject} session {self.session} trial {self.trial}"


def stimulus_name(clip: int) -> str:
    """Return the name of a clip, counted from 1: ``clip01``."""
    return f"clip{clip:02d}"


@dataclass(frozen=True, eq=False)
class Trial:
    """One trial: features, labels and their meaning. Arrays are read-only.

    Parameters
    ----------
    features : array_like, shape (n_steps, n_channels, n_bands), float32
        Log band power of the window that ends with the step; normalised as `normalization` says.
    labels : array_like, shape (n_steps, n_dims), float32
        Affect in [-1, 1]; NaN where not annotated.
    label_names : tuple of str
        Names of the label dimensions: ``("valence", "arousal")`` or ``("valence",)``.
    label_kind : str
        Where the labels come from, one of `LABEL_KINDS`.
    step_s : float
        Seconds a step.
    channels : tuple of str
        Names of the channels, in the order of the features' second axis.
    bands : tuple of str
        Names of the frequency bands, in the order of the features' third axis.
    key : TrialKey
        Data set, subject, session, trial and stimulus.
    source : str
        ``"recorded"`` or ``"simulated"``.
    normalization : str
        ``"none"``, ``"past"`` (causal) or ``"subject"`` (transductive).
    causal : bool
        False if the stored features were smoothed with a look into the future.
    origin : str
        File or generator that the trial came from, for messages.
    truth : array_like or None, shape (n_steps, n_dims), float32
        True affect behind the labels; known for simulations only.
    simulation : SimulationConfig or None
        What generated the trial; None for recorded data.
    read_eeg : callable or None
        Reads the raw EEG behind the features, when it is called; None where only features are
        stored.

    Raises
    ------
    DataError
        If shapes, ranges or names contradict each other; the message names `origin`.
    """

    features: FloatArray
    labels: FloatArray
    label_names: tuple[str, ...]
    label_kind: str
    step_s: float
    channels: tuple[str, ...]
    bands: tuple[str, ...]
    key: TrialKey
    source: str = "recorded"
    normalization: str = "none"
    causal: bool = True
    origin: str = ""
    truth: FloatArray | None = field(default=None, repr=False)
    simulation: "SimulationConfig | None" = field(default=None, repr=False)
    read_eeg: "Callable[[], Signal] | None" = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name in ("features", "labels", "truth"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, _read_only(value))
        problem = _problem(self)
        if problem:
            raise DataError(f"{self.origin or self.key}: {problem}")

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for name in ("features", "labels", "truth"):
            if state[name] is not None:
                state[name].setflags(write=False)

    def __repr__(self) -> str:
        steps, channels, bands = self.features.shape
        return (
            f"Trial({self.key}, {steps} steps of {self.step_s:g} s, {channels} channels × "
            f"{bands} bands, {'/'.join(self.label_names)}, {self.source})"
        )

    @property
    def n_steps(self) -> int:
        """Number of steps."""
        return len(self.features)

    @property
    def n_dims(self) -> int:
        """Number of label dimensions."""
        return len(self.label_names)

    @property
    def dataset(self) -> str:
        """Registry name of the data set."""
        return self.key.dataset

    @property
    def subject(self) -> int | str:
        """Subject as the data set numbers it."""
        return self.key.subject

    @property
    def session(self) -> int:
        """Session of the subject, from 1."""
        return self.key.session

    @property
    def stimulus(self) -> str | None:
        """Name of the stimulus, or None where it is not known."""
        return self.key.stimulus

    @property
    def trial(self) -> int:
        """Trial within the session, from 1."""
        return self.key.trial

    @property
    def track(self) -> str:
        """Leaderboard track: ``causal``, ``transductive`` or ``non-causal``."""
        if not self.causal:
            return "non-causal"
        return "transductive" if self.normalization == "subject" else "causal"

    def without_labels(self) -> "Trial":
        """Return the same trial without labels (NaN) and all that tells them in a simulation."""
        hidden = np.full_like(self.labels, np.nan)
        return self.replace(labels=hidden, truth=None, simulation=None)

    def replace(self, **changes: Any) -> "Trial":
        """Return a copy with some fields changed and checked anew."""
        unknown = set(changes) - {f.name for f in fields(self)}
        if unknown:
            raise TypeError(f"Trial has no field {sorted(unknown)}")
        return replace(self, **changes)


def _read_only(value: ArrayLike) -> FloatArray:
    array = np.asarray(value, dtype=np.float32)
    if _may_change(array):
        array = array.copy() if array is value or array.base is not None else array.view()
        array.setflags(write=False)
    return array


def _may_change(array: FloatArray) -> bool:
    """Say whether the values can be changed, here or through the array that this is a view of."""
    holder: Any = array
    while isinstance(holder, np.ndarray):
        if holder.flags.writeable:
            return True
        holder = holder.base
    return False


def _problem(trial: Trial) -> str | None:
    """Name the first broken invariant, or None."""
    return _wrong_shapes(trial) or _wrong_values(trial) or _wrong_names(trial)


def _wrong_shapes(trial: Trial) -> str | None:
    features, labels = trial.features, trial.labels
    if features.ndim != 3 or 0 in features.shape:
        return f"features must be (n_steps, n_channels, n_bands), not {features.shape}"
    if labels.ndim != 2 or labels.shape != (len(features), len(trial.label_names)):
        return (
            f"labels must be (n_steps, n_dims) = ({len(features)}, {len(trial.label_names)}), "
            f"not {labels.shape}"
        )
    if features.shape[1:] != (len(trial.channels), len(trial.bands)):
        return (
            f"features have {features.shape[1]} channels × {features.shape[2]} bands, but "
            f"{len(trial.channels)} × {len(trial.bands)} names are given"
        )
    if trial.truth is not None and trial.truth.shape != labels.shape:
        return f"truth must have the labels' shape {labels.shape}, not {trial.truth.shape}"
    return None


def _wrong_values(trial: Trial) -> str | None:
    if not np.isfinite(trial.features).all():
        return "features hold NaN or infinite values: the recording has gaps or broken channels"
    for what, values in (("labels", trial.labels), ("truth", trial.truth)):
        # The largest magnitude is infinite if a value is; NaN is allowed.
        if values is not None and np.nanmax(np.abs(values), initial=0.0) > 1.0:
            return f"{what} must lie in [-1, 1] (or be NaN where not annotated)"
    if not 0 < trial.step_s < np.inf:
        return f"step_s must be positive seconds, not {trial.step_s!r}"
    if trial.session < 1 or trial.trial < 1:
        return f"session and trial count from 1, not {trial.session} and {trial.trial}"
    return None


def _wrong_names(trial: Trial) -> str | None:
    for what in ("channels", "bands", "label_names"):
        names = getattr(trial, what)
        if not names or len(set(names)) != len(names):
            return f"names of {what} must be unique, at least one, not {names}"
    for name, value, known in (
        ("label_kind", trial.label_kind, LABEL_KINDS),
        ("source", trial.source, SOURCES),
        ("normalization", trial.normalization, NORMALIZATIONS),
    ):
        if value not in known:
            return f"{name} must be one of {', '.join(known)}, not {value!r}"
    return None
