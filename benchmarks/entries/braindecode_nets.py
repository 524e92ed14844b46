"""Networks of braindecode on raw EEG: ``eegnet``, ``shallow-fbcsp``, ``eeg-conformer`` (an extra).

braindecode imports torchaudio, whose wheel fails to load beside a CPU build of torch, for models
that are not used here. Where that happens, an empty stand-in takes its place while braindecode is
imported (see `import_models`).
"""

import copy
import importlib
import importlib.machinery
import sys
import types
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.entries.base import Entry, FloatArray, label_mean, label_std, limited
from benchmarks.entries.rowwise import smooth
from benchmarks.entries.tuning import best_of, split_for_validation
from eeg_emotion_env.errors import ConfigError, DataError
from eeg_emotion_env.trial import Trial
from encoders.stages import label_loss

SFREQ = 100.0
"""Rate that raw EEG is brought to, Hz."""

EPOCHS = 8
PATIENCE = 3
BATCH_SIZE = 64
MOST_WINDOWS = 4000
"""Windows of an epoch at most, drawn anew each time."""

LEARNING_RATE = 1e-3
WEIGHT_DECAY = 1e-2
MEMORIES = (0.8, 0.6, 0.9)
"""Causal averages of the output that are tried inside the fold: a window has no past."""

STAND_INS = ("torchaudio", "torchaudio.functional", "torchaudio.transforms")


class RawEEGNet(Entry):
    """A network that sees the raw EEG of one step; its output is smoothed causally."""

    stochastic = True
    model: ClassVar[str]

    @classmethod
    def lack(cls, trials: Sequence[Trial]) -> str:
        """Say so where braindecode or raw EEG is missing."""
        if importlib.util.find_spec("braindecode") is None:
            return "braindecode: pip install braindecode (extra 'braindecode')"
        if any(trial.read_eeg is None for trial in trials):
            return f"raw EEG, which {trials[0].dataset} does not give here"
        return super().lack(trials)

    @abstractmethod
    def arguments(self, n_times: int) -> dict[str, Any]:
        """Return arguments of the model beside channels, outputs, samples and rate."""

    def fit(self, train: Sequence[Trial]) -> None:
        """Train on windows of most subjects; choose the smoothing of the output on the others."""
        fitting, validation = split_for_validation(train, self.seed)
        self._mean, self._std = label_mean(fitting), label_std(fitting)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            self._network = self._train(
                _windows_of(fitting), _windows_of(validation), fitting, validation
            )
        raw = {id(trial): self._outputs(trial) for trial in validation}
        self.memory, _ = best_of(
            MEMORIES,
            lambda memory: lambda trial: limited(smooth(raw[id(trial)], memory)),
            validation,
        )

    def predict(self, trial: Trial) -> FloatArray:
        """Predict each step from its window, then smooth."""
        return limited(smooth(self._outputs(trial), self.memory))

    def _outputs(self, trial: Trial) -> FloatArray:
        with torch.inference_mode():
            parts = torch.from_numpy(windows(trial)).split(256)
            output = torch.cat([self._network(part) for part in parts]).numpy()
        return np.asarray(output * self._std + self._mean, dtype=np.float32)

    def _train(
        self,
        x: list[FloatArray],
        x_validation: list[FloatArray],
        fitting: Sequence[Trial],
        validation: Sequence[Trial],
    ) -> nn.Module:
        inputs, targets = self._stacked(x, fitting)
        checks, wanted = self._stacked(x_validation, validation)
        network: nn.Module = getattr(import_models(), self.model)(
            n_chans=inputs.shape[1],
            n_outputs=targets.shape[1],
            n_times=inputs.shape[2],
            **self.arguments(inputs.shape[2]),
        )
        optimiser = torch.optim.AdamW(
            network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY
        )
        rng = np.random.default_rng(self.seed)
        best, waited, best_state = float("inf"), 0, copy.deepcopy(network.state_dict())
        for _ in range(2 if self.quick else EPOCHS):
            network.train()
            chosen = rng.permutation(len(inputs))[:MOST_WINDOWS]
            # A last batch of one window would have no spread to normalise by.
            for start in range(0, len(chosen) - 1, BATCH_SIZE):
                batch = torch.from_numpy(chosen[start : start + BATCH_SIZE])
                loss = label_loss(network(inputs[batch]), targets[batch])
                optimiser.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(network.parameters(), 1.0)
                optimiser.step()
            network.eval()
            with torch.inference_mode():
                guesses = torch.cat([network(part) for part in checks.split(256)])
                score, waited = float(label_loss(guesses, wanted)), waited + 1
            if score < best:
                best, waited, best_state = score, 0, copy.deepcopy(network.state_dict())
            if waited >= PATIENCE:
                break
        network.load_state_dict(best_state)
        return network.eval()

    def _stacked(self, x: list[FloatArray], trials: Sequence[Trial]) -> tuple[Tensor, Tensor]:
        """Windows and standardised labels of all annotated steps."""
        labels = np.concatenate([(trial.labels - self._mean) / self._std for trial in trials])
        known = ~np.isnan(labels).all(axis=1)
        return (
            torch.from_numpy(np.concatenate(x)[known]),
            torch.from_numpy(labels[known].astype(np.float32)),
        )


class EEGNet(RawEEGNet):
    """EEGNet (Lawhern et al., 2018)."""

    name = "eegnet"
    summary = "EEGNet (braindecode) on raw EEG, one step at a time, output smoothed"
    model = "EEGNet"

    def arguments(self, n_times: int) -> dict[str, Any]:
        """Return nothing more."""
        return {}


class ShallowFBCSP(RawEEGNet):
    """Shallow ConvNet (Schirrmeister et al., 2017), with filters cut to short windows."""

    name = "shallow-fbcsp"
    summary = "Shallow ConvNet (braindecode) on raw EEG, one step at a time, output smoothed"
    model = "ShallowFBCSPNet"

    def arguments(self, n_times: int) -> dict[str, Any]:
        """Return lengths of filters and pooling that fit one second."""
        return {
            "filter_time_length": max(3, n_times // 8),
            "pool_time_length": max(2, n_times // 4),
            "pool_time_stride": max(1, n_times // 20),
        }


class EEGConformer(RawEEGNet):
    """EEG Conformer (Song et al., 2022), small."""

    name = "eeg-conformer"
    summary = "EEG Conformer (braindecode) on raw EEG, one step at a time, output smoothed"
    model = "EEGConformer"

    def arguments(self, n_times: int) -> dict[str, Any]:
        """Return sizes that fit short windows."""
        return {
            "n_filters_time": 16,
            "filter_time_length": max(3, n_times // 8),
            "pool_time_length": max(2, n_times // 4),
            "pool_time_stride": max(1, n_times // 10),
            "num_layers": 2,
            "num_heads": 4,
        }


def _windows_of(trials: Sequence[Trial]) -> list[FloatArray]:
    return [windows(trial) for trial in trials]


def windows(trial: Trial) -> FloatArray:
    """Cut the raw EEG of a trial into its steps.

    Each channel is divided by its root mean square from the start of the trial up to the end of
    the step, so that gains of caps and people do not matter and nothing looks ahead.

    Parameters
    ----------
    trial : Trial
        With raw EEG (`Trial.read_eeg`).

    Returns
    -------
    ndarray, shape (n_steps, n_channels, n_times), float32
        At about `SFREQ` Hz.
    """
    if trial.read_eeg is None:
        raise ConfigError(f"{trial.key}: has no raw EEG")
    signal = trial.read_eeg()
    n_samples = round(trial.step_s * signal.sfreq)
    factor = max(1, round(signal.sfreq / SFREQ))
    if signal.eeg.shape[1] < trial.n_steps * n_samples:
        raise DataError(f"{trial.origin}: its raw EEG is shorter than its features")
    cut = signal.eeg[:, : trial.n_steps * n_samples].astype(np.float32)
    steps = cut.reshape(len(cut), trial.n_steps, n_samples).transpose(1, 0, 2)
    # Means of neighbours: a coarse low-pass, and causal within the step.
    usable = n_samples // factor * factor
    coarse = steps[..., :usable].reshape(*steps.shape[:2], -1, factor).mean(axis=-1)
    power = np.cumsum(np.square(coarse).mean(axis=-1), axis=0)
    power /= np.arange(1, len(power) + 1)[:, None]
    return np.ascontiguousarray(coarse / np.sqrt(np.maximum(power, 1e-6))[..., None])


def import_models() -> types.ModuleType:
    """Import ``braindecode.models``, with a stand-in for torchaudio where that cannot be loaded.

    Raises
    ------
    ConfigError
        If braindecode cannot be imported; the message says why.
    """
    import warnings

    try:
        importlib.import_module("torchaudio")
    except (ImportError, OSError):
        _stand_in_for_torchaudio()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module("braindecode.models")
    except (ImportError, OSError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"braindecode cannot be imported ({reason}); install it anew") from error


def _stand_in_for_torchaudio() -> None:
    """Put empty modules in place of torchaudio; none of the models here uses it."""
    for name in list(sys.modules):
        if name.split(".")[0] == "torchaudio":
            del sys.modules[name]
    made = {}
    for name in STAND_INS:
        module = _StandIn(name)
        module.__spec__ = importlib.machinery.ModuleSpec(name, None)
        module.__path__ = []
        made[name] = sys.modules[name] = module
    for name in STAND_INS[1:]:
        setattr(made[STAND_INS[0]], name.rsplit(".", 1)[1], made[name])


class _StandIn(types.ModuleType):
    """A module whose every attribute is an empty layer, enough for others to derive from."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (nn.Module,), {})
