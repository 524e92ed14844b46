"""State-space model of a simulated person, with all parameters of the generator known.

The state holds the person's own process I and its attractor, slow drift and bursts of each rhythm,
and twitches of each muscle. Time goes in ticks of half a window (see
`eeg_emotion_env.simulation.whittle`). Written out in numpy: the observation is a likelihood and not
a linear map, which Kalman libraries do not take.
"""

from typing import NamedTuple

import numpy as np

from eeg_emotion_env.simulation.config import SimulationConfig
from eeg_emotion_env.simulation.eeg import TWITCH_SD, TWITCH_TAU_S
from eeg_emotion_env.simulation.subject import MUSCLE_SITES, OSCILLATORS, subject_model
from eeg_emotion_env.simulation.whittle import AmplitudeLikelihood, Array

N_RHYTHMS, N_MUSCLES = len(OSCILLATORS), len(MUSCLE_SITES)
OWN, ATTRACTOR = slice(0, 2), slice(2, 4)
DRIFT = slice(4, 4 + N_RHYTHMS)
BURST = slice(DRIFT.stop, DRIFT.stop + N_RHYTHMS)
TWITCH = slice(BURST.stop, BURST.stop + N_MUSCLES)
N_STATES = TWITCH.stop

JITTER = 1e-9
"""Variance added to each state at each step, so that knobs set to 0 leave matrices regular."""

LONGEST_STEP = 1.0
"""Most that one window may change a log amplitude, nepers: beyond, the linearisation fails."""

NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(7)
WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


class Gaussian(NamedTuple):
    """Mean, shape (N_STATES,), and covariance of what is believed of the state."""

    mean: Array
    cov: Array


class PersonModel:
    """State-space model of one subject in one session, with all parameters of the generator.

    Parameters
    ----------
    config : SimulationConfig
        Knobs.
    subject, session : int
        Ids, from 1.
    """

    def __init__(self, config: SimulationConfig, subject: int, session: int = 1) -> None:
        self.config, self._session = config, session
        self.likelihood = AmplitudeLikelihood(config, subject)
        self.hop_s = self.likelihood.hop_s
        self._couplings = subject_model(config, subject).couplings
        burst_sd, burst, burst_excess = self.likelihood.averaged(
            config.burst_sd, config.burst_tau_s
        )
        twitch_sd, twitch, twitch_excess = self.likelihood.averaged(TWITCH_SD, TWITCH_TAU_S)
        self._excess = np.repeat([burst_excess, twitch_excess], [N_RHYTHMS, N_MUSCLES])
        pull, drift = np.exp(-self.hop_s * np.array([config.theta, 1 / config.drift_tau_s]))
        decays = _by_state(pull, 1.0, drift, burst, twitch)
        self.transition = np.diag(decays)
        self.transition[OWN, ATTRACTOR] = (1 - pull) * np.eye(2)
        spreads = _by_state(0.0, 0.0, config.drift_sd, burst_sd, twitch_sd)
        self._stationary = np.diag(np.square(spreads)) + JITTER * np.eye(N_STATES)
        self._kicks = np.diag(np.square(spreads) * (1 - np.square(decays)))
        self._kicks[OWN, OWN] = _diffusion(config) * (1 - pull**2)
        self._kicks += JITTER * np.eye(N_STATES)

    def start(self, before: Gaussian | None = None) -> Gaussian:
        """Return the belief at the start of a trial: only the drift goes on from `before`."""
        # I rests at 0; its attractor is that of one of the session's clips, all equally likely
        config = self.config
        numbers = [config.clip(self._session, trial + 1) for trial in range(config.n_trials)]
        clips = np.array([config.attractor(clip) for clip in numbers])
        mean, cov = np.zeros(N_STATES), self._stationary.copy()
        mean[ATTRACTOR] = clips.mean(axis=0)
        cov[ATTRACTOR, ATTRACTOR] += np.cov(clips.T, bias=True)
        if before is not None:
            mean[DRIFT], cov[DRIFT, DRIFT] = before.mean[DRIFT], before.cov[DRIFT, DRIFT]
        return Gaussian(mean, cov)

    def predict(self, belief: Gaussian) -> Gaussian:
        """Return the belief about the state one hop later."""
        cov = self.transition @ belief.cov @ self.transition.T + self._kicks
        return Gaussian(self.transition @ belief.mean, cov)

    def update(self, belief: Gaussian, stimulus: Array, z: Array) -> Gaussian:
        """Return the belief after a window: one step of Fisher scoring.

        Further steps do not help: they lead towards the mode, away from the mean.

        Parameters
        ----------
        belief : Gaussian
            Before the window.
        stimulus : ndarray, shape (2,)
            S at its centre.
        z : ndarray, shape (n_bins, n_sources, 2)
            The window, from `AmplitudeLikelihood.project`.

        Returns
        -------
        Gaussian
            After it.
        """
        mean, cov = belief
        affect, slope = self.affect(stimulus, mean[OWN], np.diag(cov)[OWN])
        loading = self._loading(slope)
        log_amplitude = self._excess + np.concatenate(
            [
                affect @ self._couplings + mean[DRIFT] + mean[BURST],
                self.config.muscle_coupling * affect[0] + mean[TWITCH],
            ]
        )
        spread = cov @ loading.T
        variance = loading @ spread
        gradient, information = self.likelihood.score(z, log_amplitude, np.diag(variance))
        gain = np.linalg.solve(
            np.eye(len(information)) + information @ variance,
            np.column_stack([gradient, information @ spread.T]),
        )
        step, after = spread @ gain[:, 0], cov - spread @ gain[:, 1:]
        step *= min(1.0, LONGEST_STEP / max(np.abs(loading @ step).max(), 1e-9))
        return Gaussian(mean + step, (after + after.T) / 2)

    def affect(self, stimulus: Array, own: Array, variance: Array) -> tuple[Array, Array]:
        """Expected affect, and its expected slope with respect to I; all arrays (..., 2)."""
        shared, rest = np.sqrt(self.config.shared), np.sqrt(1 - self.config.shared)
        spread = rest * np.sqrt(np.maximum(variance, 0.0))
        nodes = np.tanh((shared * stimulus + rest * own)[..., None] + spread[..., None] * NODES)
        return nodes @ WEIGHTS, rest * ((1 - np.square(nodes)) @ WEIGHTS)

    def _loading(self, slope: Array) -> Array:
        """Derivative of the log amplitudes with respect to the state."""
        loading = np.zeros((N_RHYTHMS + N_MUSCLES, N_STATES))
        loading[:N_RHYTHMS, OWN] = (self._couplings * slope[:, None]).T
        loading[N_RHYTHMS:, 0] = self.config.muscle_coupling * slope[0]
        loading[:N_RHYTHMS, DRIFT] = loading[:N_RHYTHMS, BURST] = np.eye(N_RHYTHMS)
        loading[N_RHYTHMS:, TWITCH] = np.eye(N_MUSCLES)
        return loading


class Path:
    """Beliefs at consecutive ticks (multiples of a hop) of one trial, open to hindsight.

    Parameters
    ----------
    model : PersonModel
        Whose beliefs.
    start : Gaussian
        Belief at tick 0, the start of the trial.
    """

    def __init__(self, model: PersonModel, start: Gaussian) -> None:
        self._model = model
        self._predicted, self._updated, self._gains = [start], [start], [start.cov]

    def append(self, stimulus: Array, z: Array) -> None:
        """Go on by one tick and take in its window (see `PersonModel.update`)."""
        before = self._updated[-1]
        predicted = self._model.predict(before)
        moved = self._model.transition @ before.cov
        self._gains.append(np.asarray(np.linalg.solve(predicted.cov, moved).T))
        self._predicted.append(predicted)
        self._updated.append(self._model.update(predicted, stimulus, z))

    def own(self, first: int, last: int, ahead: int = 0) -> tuple[Array, Array]:
        """Mean and variance of I at ticks `first` to ``last + ahead``, given windows to `last`.

        Returns
        -------
        mean, variance : ndarray, shape (last + ahead - first + 1, 2), float64
            Ticks beyond `last` are predicted, earlier ones smoothed.
        """
        belief = self._updated[last]
        found = [belief]
        for tick in range(last, first, -1):
            before, predicted = self._updated[tick - 1], self._predicted[tick]
            gain = self._gains[tick]
            belief = Gaussian(
                before.mean + gain @ (belief.mean - predicted.mean),
                before.cov + gain @ (belief.cov - predicted.cov) @ gain.T,
            )
            found.insert(0, belief)
        for _ in range(ahead):
            found.append(self._model.predict(found[-1]))
        return (
            np.stack([belief.mean[OWN] for belief in found]),
            np.stack([np.diag(belief.cov)[OWN] for belief in found]),
        )

    def end(self) -> Gaussian:
        """Return the belief one hop after the last window's centre: the end of the trial."""
        return self._model.predict(self._updated[-1])


def _by_state(own: float, attractor: float, drift: float, burst: float, twitch: float) -> Array:
    sizes = [2, 2, N_RHYTHMS, N_RHYTHMS, N_MUSCLES]
    return np.asarray(np.repeat([own, attractor, drift, burst, twitch], sizes))


def _diffusion(config: SimulationConfig) -> Array:
    """Stationary covariance of I around its attractor."""
    rho = config.affect_correlation
    return config.sigma**2 / (2 * config.theta) * np.array([[1.0, rho], [rho, 1.0]])
