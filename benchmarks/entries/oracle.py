"""`oracle-filter`, `oracle-smoother`: ceilings on simulations, from the generator's parameters."""

from collections.abc import Sequence

from benchmarks.entries.base import Entry, FloatArray, limited
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.labels import DIMENSIONS
from eeg_emotion_env.simulation.oracle import OracleTrial, is_generated, oracle_labels
from eeg_emotion_env.trial import Trial


class OracleFilter(Entry):
    """Expected label, given the generator and the raw EEG up to each step.

    It is told everything but what the person felt (see `eeg_emotion_env.simulation.oracle`): a
    model that has to learn all this is not expected to do better, in squared error.
    """

    name = "oracle-filter"
    summary = "Kalman filter on raw EEG with the simulator's own parameters: the causal ceiling"
    oracle = True

    @classmethod
    def lack(cls, trials: Sequence[Trial]) -> str:
        """Say so where the labels are not those that simulated raters gave, all else as they are.

        Layouts of real data sets turn them into classes, intensities or joystick values.
        """
        if not all(map(is_generated, trials)):
            return f"labels straight from the simulator, which {trials[0].dataset} does not give"
        return super().lack(trials)

    def fit(self, train: Sequence[Trial]) -> None:
        """Learn nothing: all is known."""

    def predict(self, trial: Trial) -> FloatArray:
        """Simulate the EEG again and estimate what the raters will have said."""
        if trial.simulation is None:
            raise ConfigError(f"{self.name} needs a simulated trial, not {trial.key}")
        expected = oracle_labels(trial.simulation, int(trial.subject), trial.session, trial.trial)
        columns = [DIMENSIONS.index(name) for name in trial.label_names]
        return limited(self._track(expected)[: trial.n_steps, columns])

    def _track(self, expected: OracleTrial) -> FloatArray:
        return expected.filtered


class OracleSmoother(OracleFilter):
    """The same, given the EEG up to the end of the trial: what causality costs."""

    name = "oracle-smoother"
    summary = "the oracle's smoother over whole trials: the ceiling of those who may look ahead"
    causal = False

    def _track(self, expected: OracleTrial) -> FloatArray:
        return expected.smoothed
