"""Supervised networks: one training loop, three objectives, any causal network."""

import copy
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from benchmarks.entries.base import Entry, FloatArray, label_mean, label_std, limited
from benchmarks.entries.tuning import best_of, split_for_validation
from eeg_emotion_env.trial import Trial
from encoders.stages import label_loss

LEARNING_RATE = 1e-3
WEIGHT_DECAY = 1e-2
BATCH_SIZE = 16
EPOCHS = 60
PATIENCE = 12
DROPOUTS = (0.3, 0.1, 0.5)
"""Settings tried inside the fold."""

OBJECTIVES = {
    "squared-error": "squared error",
    "calibrated": "squared error, then spread and mean matched on validation subjects",
    "ccc": "loss 1 - CCC over the batch",
}


class Supervised(Entry):
    """A causal network on the features, stopped early on left-out training subjects.

    Subclasses give the network, and the objective it is trained with.
    """

    stochastic = True
    objective: ClassVar[str] = "squared-error"

    @abstractmethod
    def make_network(self, trial: Trial, dropout: float) -> nn.Module:
        """Make a network for trials like this one.

        Parameters
        ----------
        trial : Trial
            One of the training trials.
        dropout : float
            Dropout rate.

        Returns
        -------
        Module
            Maps features (batch, time, channels, bands) to standardised labels (batch, time, dims),
            each step from the steps up to it.
        """

    def fit(self, train: Sequence[Trial]) -> None:
        """Train with each dropout on most subjects; keep what fits the others best."""
        fitting, validation = split_for_validation(train, self.seed)
        self._mean, self._std = label_mean(fitting), label_std(fitting)
        self._scale, self._offset = np.ones_like(self._mean), np.zeros_like(self._mean)

        def fitted(dropout: float) -> "_Fitted":
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(self.seed)
                network = self.make_network(fitting[0], dropout)
                self._train(network, fitting, validation)
            return _Fitted(network, self._mean, self._std)

        dropouts = DROPOUTS[:1] if self.quick else DROPOUTS
        self.dropout, chosen = best_of(dropouts, fitted, validation)
        self._network = chosen
        if self.objective == "calibrated":
            self._calibrate(validation)

    def predict(self, trial: Trial) -> FloatArray:
        """Run the network over the trial from its start."""
        return limited(self._network.raw(trial) * self._scale + self._offset)

    def _train(
        self, network: nn.Module, fitting: Sequence[Trial], validation: Sequence[Trial]
    ) -> None:
        optimiser = torch.optim.AdamW(
            network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY
        )
        rng = np.random.default_rng(self.seed)
        best, best_epoch, best_state = float("inf"), 0, copy.deepcopy(network.state_dict())
        for epoch in range(1, (EPOCHS // 3 if self.quick else EPOCHS) + 1):
            network.train()
            for x, y in self._batches(fitting, rng):
                loss = self._loss(network(x), y)
                optimiser.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(network.parameters(), 1.0)
                optimiser.step()
            score = self._validate(network, validation)
            if score < best:
                best, best_epoch = score, epoch
                best_state = copy.deepcopy(network.state_dict())
            if epoch - best_epoch >= PATIENCE:
                break
        network.load_state_dict(best_state)
        network.eval()

    def _loss(self, predicted: Tensor, labels: Tensor) -> Tensor:
        return (ccc_loss if self.objective == "ccc" else label_loss)(predicted, labels)

    @torch.no_grad()
    def _validate(self, network: nn.Module, validation: Sequence[Trial]) -> float:
        network.eval()
        losses = [
            (float(self._loss(network(x), y)), int((~torch.isnan(y)).sum()))
            for x, y in self._batches(validation, None)
        ]
        weights = [n for _, n in losses]
        return float(np.average([v for v, _ in losses], weights=weights)) if any(weights) else 0.0

    def _batches(
        self, trials: Sequence[Trial], rng: np.random.Generator | None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        order = np.arange(len(trials)) if rng is None else rng.permutation(len(trials))
        for start in range(0, len(order), BATCH_SIZE):
            chosen = [trials[i] for i in order[start : start + BATCH_SIZE]]
            labels = [
                torch.from_numpy(((t.labels - self._mean) / self._std).astype(np.float32))
                for t in chosen
            ]
            yield (
                pad_sequence([_features(t) for t in chosen], batch_first=True),
                pad_sequence(labels, batch_first=True, padding_value=torch.nan),
            )

    def _calibrate(self, validation: Sequence[Trial]) -> None:
        """Match mean and spread of predictions to those of the labels, for each dimension."""
        labels = np.concatenate([trial.labels for trial in validation]).astype(np.float64)
        guesses = np.concatenate([self._network.raw(trial) for trial in validation])
        self._scale, self._offset = affine_calibration(labels, guesses)


class _Fitted:
    """A trained network as a prediction function, on the scale of the labels."""

    def __init__(
        self, network: nn.Module, mean: NDArray[np.float64], std: NDArray[np.float64]
    ) -> None:
        self._network, self._mean, self._std = network, mean, std

    def raw(self, trial: Trial) -> NDArray[np.float64]:
        """Predict a trial without limiting to [-1, 1]."""
        with torch.inference_mode():
            output = self._network(_features(trial)[None])[0].numpy()
        return np.asarray(output * self._std + self._mean)

    def __call__(self, trial: Trial) -> FloatArray:
        return limited(self.raw(trial))


def ccc_loss(predicted: Tensor, labels: Tensor) -> Tensor:
    """One minus the CCC over all annotated steps of a batch, mean over dimensions.

    Parameters
    ----------
    predicted, labels : Tensor, shape (batch, time, dims)
        Predictions, and labels with NaN where not annotated.

    Returns
    -------
    Tensor
        Scalar in [0, 2].
    """
    losses = []
    for dim in range(labels.shape[-1]):
        known = ~torch.isnan(labels[..., dim])
        y, a = labels[..., dim][known], predicted[..., dim][known]
        if y.numel() < 2:
            losses.append(predicted[..., dim].sum() * 0.0)
            continue
        y, a_mean, y_mean = y, a.mean(), y.mean()
        covariance = ((y - y_mean) * (a - a_mean)).mean()
        total = y.var(unbiased=False) + a.var(unbiased=False) + (y_mean - a_mean).square()
        losses.append(1.0 - 2.0 * covariance / (total + 1e-8))
    return torch.stack(losses).mean()


def affine_calibration(
    labels: NDArray[np.floating], guesses: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scale and offset that give predictions the labels' mean and spread, for each dimension.

    Of all affine maps with a positive factor this one has the highest CCC where predictions and
    labels are correlated; factors are kept within [1/4, 4].

    Parameters
    ----------
    labels, guesses : ndarray, shape (n_steps, n_dims)
        Labels (NaN where not annotated) and predictions.

    Returns
    -------
    scale, offset : ndarray, shape (n_dims,)
        Calibrated predictions are ``guesses * scale + offset``.
    """
    scales, offsets = [], []
    for label, guess in zip(labels.T, guesses.T, strict=True):
        known = ~np.isnan(label)
        spread = guess[known].std() if known.any() else 0.0
        if spread < 1e-9 or label[known].std() < 1e-9:
            scales.append(1.0)
            offsets.append(0.0)
            continue
        scale = float(np.clip(label[known].std() / spread, 0.25, 4.0))
        scales.append(scale)
        offsets.append(float(label[known].mean() - scale * guess[known].mean()))
    return np.array(scales), np.array(offsets)


def _features(trial: Trial) -> Tensor:
    return torch.from_numpy(np.array(trial.features, dtype=np.float32))
