"""`Steps`: trials with the codes and latents that an encoder gives them."""

import warnings
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eeg_emotion_env.trial import FloatArray, Trial

if TYPE_CHECKING:
    from encoders import FrozenEncoder

IntArray = NDArray[np.int64]
Tick = Callable[[str], None]
"""Called with what comes next, once a piece of work."""


@dataclass(frozen=True, eq=False)
class Steps:
    """Steps of several trials, one after another.

    Attributes
    ----------
    trials : tuple of Trial
        At least one, all with the same channels, bands, label dimensions and steps.
    codes : tuple of ndarray, each (n_steps,), int64
        Prototype of each step, by trial.
    latents : tuple of ndarray, each (n_steps, n_latent), float32
        Latents, by trial.
    layout : mapping of str to slice
        Parts of a latent.
    codebook_size : int
        Number of prototypes.
    seen : frozenset of str
        Subjects that the encoder was made from.
    """

    trials: tuple[Trial, ...]
    codes: tuple[IntArray, ...]
    latents: tuple[FloatArray, ...]
    layout: dict[str, slice]
    codebook_size: int
    seen: frozenset[str] = frozenset()

    @cached_property
    def code(self) -> IntArray:
        """Prototype of each step, shape (n_steps,)."""
        return np.concatenate(self.codes)

    @cached_property
    def latent(self) -> FloatArray:
        """Latents, shape (n_steps, n_latent)."""
        return np.concatenate(self.latents)

    @cached_property
    def features(self) -> FloatArray:
        """Normalised features, shape (n_steps, n_channels, n_bands)."""
        return np.concatenate([trial.features for trial in self.trials])

    @cached_property
    def labels(self) -> FloatArray:
        """Labels, shape (n_steps, n_dims); NaN where not annotated."""
        return np.concatenate([trial.labels for trial in self.trials])

    @cached_property
    def trial_number(self) -> IntArray:
        """Place of each step's trial among the trials, shape (n_steps,)."""
        return np.repeat(np.arange(len(self.trials)), [t.n_steps for t in self.trials])

    @cached_property
    def subject(self) -> NDArray[Any]:
        """Subject of each step, as text, shape (n_steps,)."""
        return self.of_trial([str(trial.subject) for trial in self.trials])

    @property
    def subjects(self) -> tuple[str, ...]:
        """Subjects in order of appearance."""
        return tuple(dict.fromkeys(str(trial.subject) for trial in self.trials))

    @property
    def parts(self) -> dict[str, tuple[str, ...]]:
        """Subjects that the encoder was made from, and those that it has not seen."""
        parts = {
            "training": tuple(s for s in self.subjects if s in self.seen),
            "unseen": tuple(s for s in self.subjects if s not in self.seen),
        }
        return {name: subjects for name, subjects in parts.items() if subjects}

    @property
    def prototype(self) -> FloatArray:
        """Prototype vector of each step, shape (n_steps, code_dim)."""
        return self.latent[:, self.layout["prototype"]]

    @property
    def distance(self) -> FloatArray:
        """Distance of each step from its prototype, shape (n_steps,)."""
        return np.linalg.norm(self.latent[:, self.layout["residual"]], axis=1)

    @property
    def stimulus(self) -> NDArray[Any] | None:
        """Stimulus of each step, shape (n_steps,); None unless all trials tell it."""
        names = [trial.stimulus for trial in self.trials]
        return None if None in names else self.of_trial(names)

    def of_trial(self, values: Sequence[Any]) -> NDArray[Any]:
        """Repeat a value of each trial for its steps, shape (n_steps,)."""
        return np.asarray(values)[self.trial_number]

    def select(self, subjects: Collection[str]) -> "Steps":
        """Return the steps of some subjects."""
        kept = [i for i, trial in enumerate(self.trials) if str(trial.subject) in subjects]
        return replace(
            self,
            trials=tuple(self.trials[i] for i in kept),
            codes=tuple(self.codes[i] for i in kept),
            latents=tuple(self.latents[i] for i in kept),
        )

    def table(self) -> pd.DataFrame:
        """Return one row a step: ``prototype, subject, trial, distance`` and the labels."""
        columns: dict[str, Any] = {
            "prototype": self.code,
            "subject": self.subject,
            "trial": self.trial_number,
            "distance": self.distance,
        }
        names = self.trials[0].label_names
        return pd.DataFrame({**columns, **dict(zip(names, self.labels.T, strict=True))})


def encode_trials(
    trials: Sequence[Trial],
    encoder: "FrozenEncoder",
    seen: Collection[str] = (),
    tick: Tick = lambda text: None,
) -> Steps:
    """Encode trials.

    Parameters
    ----------
    trials : sequence of Trial
        At least one.
    encoder : FrozenEncoder
        With prototypes.
    seen : collection of str
        Subjects that it was made from.
    tick : callable
        Called before each trial.

    Returns
    -------
    Steps
        The trials with codes and latents.
    """
    codes, latents = [], []
    for trial in trials:
        tick(f"encoding {trial.key}")
        codes.append(encoder.codes(trial.features))
        latents.append(encoder.encode(trial.features))
    return Steps(
        tuple(trials),
        tuple(codes),
        tuple(latents),
        dict(encoder.layout),
        encoder.config.codebook_size,
        frozenset(seen),
    )


def untrained_encoder(encoder: "FrozenEncoder", trials: Sequence[Trial]) -> "FrozenEncoder":
    """Make an encoder of the same shape whose weights are random; its codebook is by k-means.

    Parameters
    ----------
    encoder : FrozenEncoder
        Gives the shape.
    trials : sequence of Trial
        Trials of at least two subjects, whose features the codebook is spread over; their labels
        are not used.

    Returns
    -------
    FrozenEncoder
        Made by pretraining of no epochs.
    """
    from encoders import CodebookWarning, PretrainingConfig, StageConfig, pretrain

    none, where = StageConfig(epochs=0), encoder.montage.positions
    with warnings.catch_warnings():
        # a collapse of random weights is no news
        warnings.simplefilter("ignore", CodebookWarning)
        return pretrain(
            [trial.features for trial in trials],
            [str(trial.subject) for trial in trials],
            config=encoder.config,
            pretraining=PretrainingConfig(vqvae=none, dynamics=none),
            positions=None if where is None else [where] * len(trials),
        )
