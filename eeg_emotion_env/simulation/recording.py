"""Simulated trials and recordings: EEG, labels and truth together."""

from dataclasses import dataclass
from functools import cache

from threadpoolctl import ThreadpoolController

from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.simulation.affect import true_affect
from eeg_emotion_env.simulation.config import SimulationConfig
from eeg_emotion_env.simulation.eeg import trial_eeg
from eeg_emotion_env.simulation.raters import annotate, at_times, step_ends
from eeg_emotion_env.trial import FloatArray, stimulus_name


@dataclass(frozen=True, eq=False)
class SimulatedTrial:
    """One simulated trial.

    Attributes
    ----------
    trial : int
        Number within the session, from 1.
    stimulus : str
        Name of the clip.
    clip_class : int
        1 positive, 0 neutral, -1 negative.
    eeg : ndarray, shape (n_channels, n_samples), float32
        Raw EEG, microvolts; one sample more than whole seconds.
    labels : ndarray, shape (n_steps, 2), float32
        Raters' mean valence and arousal at the end of each step, in [-1, 1].
    truth : ndarray, shape (n_steps, 2), float32
        True affect at the same times.
    """

    trial: int
    stimulus: str
    clip_class: int
    eeg: FloatArray
    labels: FloatArray
    truth: FloatArray


@dataclass(frozen=True, eq=False)
class SimulatedRecording:
    """All trials of one subject in one session, in the order of recording."""

    subject: int
    session: int
    trials: tuple[SimulatedTrial, ...]


def simulate_trial(
    config: SimulationConfig, subject: int, session: int, trial: int
) -> SimulatedTrial:
    """Simulate one trial: a function of its arguments alone (not of the number of threads).

    Parameters
    ----------
    config : SimulationConfig
        Knobs.
    subject, session, trial : int
        Ids, each from 1 to the number that `config` sets.

    Returns
    -------
    SimulatedTrial
        EEG, labels and truth.

    Raises
    ------
    ConfigError
        If an id is out of range.
    """
    labels, truth = simulate_labels(config, subject, session, trial)
    affect = true_affect(config, subject, session, trial)
    clip = config.clip(session, trial)
    # Threads share out a matrix product in blocks of other sizes, and round it otherwise.
    with _controller().limit(limits=1):
        eeg = trial_eeg(config, affect, subject, session, trial)
    return SimulatedTrial(
        trial=trial,
        stimulus=stimulus_name(clip),
        clip_class=config.clip_class(clip),
        eeg=eeg,
        labels=labels,
        truth=truth,
    )


@cache
def _controller() -> ThreadpoolController:
    """Look for the libraries with threads once: it takes longer than a trial."""
    return ThreadpoolController()


def simulate_labels(
    config: SimulationConfig, subject: int, session: int, trial: int
) -> tuple[FloatArray, FloatArray]:
    """Simulate labels and truth of one trial without its EEG.

    Parameters
    ----------
    config, subject, session, trial
        As `simulate_trial`.

    Returns
    -------
    labels, truth : ndarray, shape (n_steps, 2), float32
        As in `SimulatedTrial`.

    Raises
    ------
    ConfigError
        If an id is out of range.
    """
    for name, value, last in (
        ("subject", subject, config.n_subjects),
        ("session", session, config.n_sessions),
        ("trial", trial, config.n_trials),
    ):
        if not 1 <= value <= last:
            raise ConfigError(f"{name} must be 1 to {last} in this simulation, not {value}")
    affect = true_affect(config, subject, session, trial)
    truth = at_times(affect, step_ends(config, session, trial)).astype("float32")
    return annotate(config, affect, subject, session, trial), truth


def simulate_recording(config: SimulationConfig, subject: int, session: int) -> SimulatedRecording:
    """Simulate all trials of one subject in one session (see `simulate_trial`)."""
    trials = (simulate_trial(config, subject, session, n + 1) for n in range(config.n_trials))
    return SimulatedRecording(subject, session, tuple(trials))
