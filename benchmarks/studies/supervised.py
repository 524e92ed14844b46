"""Supervised heads: linear regression and nets on single latents, calibrated or smoothed."""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from agents.scaling import LabelScale
from benchmarks.entries.supervised import affine_calibration, ccc_loss
from benchmarks.studies.heads import FloatArray, Fold, Head, Predictions
from benchmarks.studies.objectives import Objective
from eeg_emotion_env.observation import ELAPSED_SCALE_S
from eeg_emotion_env.playback import Episode
from eeg_emotion_env.wrappers import LinearProposal
from encoders.stages import label_loss

EPOCHS, PATIENCE, BATCH_SIZE = 40, 8, 1024
LEARNING_RATE, WEIGHT_DECAY = 1e-3, 1e-2
WIDTHS = (64, 64)
DROPOUT = 0.3
MEMORIES = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95)
"""Causal smoothings of a supervised head's output that are tried on the validation people."""
PENALTIES = (30.0, 300.0, 3000.0)


class Ridge(Head):
    """Linear regression, its penalty and a smoothing of its output chosen on validation people."""

    stochastic = False

    def predictions(self, fold: Fold, objective: Objective, seed: int) -> Predictions:
        """Fit each penalty, keep the best, smooth."""
        proposals = [LinearProposal.fit(fold.fitting, penalty) for penalty in PENALTIES]

        def played(proposal: LinearProposal, episodes: Sequence[Episode]) -> Predictions:
            return [proposal(e.latents).astype(np.float32) for e in episodes]

        best = max(
            proposals, key=lambda p: objective.value(fold.validation, played(p, fold.validation))
        )
        return smoothed_best(
            played(best, fold.validation), played(best, fold.test), fold.validation, objective
        )


@dataclass(frozen=True)
class Net(Head):
    """Two hidden layers on latent and elapsed time of a step; the past is in the latent.

    Attributes
    ----------
    loss : str
        ``"squared-error"`` or ``"ccc"``.
    calibrated : bool
        Whether mean and spread are matched on the validation people.
    smoothed : bool
        Whether the output goes through the causal smoothing that serves the objective best on the
        validation people.
    """

    loss: str = "squared-error"
    calibrated: bool = False
    smoothed: bool = False

    def predictions(self, fold: Fold, objective: Objective, seed: int) -> Predictions:
        """Train with early stopping, then calibrate or smooth."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            played = self._fitted(fold, seed)
        validation, test = played(fold.validation), played(fold.test)
        if self.calibrated:
            labels = np.concatenate([e.labels for e in fold.validation]).astype(np.float64)
            scale, offset = affine_calibration(labels, np.concatenate(validation))
            validation, test = (
                [np.clip(p * scale + offset, -1, 1).astype(np.float32) for p in part]
                for part in (validation, test)
            )
        if self.smoothed:
            return smoothed_best(validation, test, fold.validation, objective)
        return test

    def _fitted(self, fold: Fold, seed: int) -> Callable[[Sequence[Episode]], Predictions]:
        x, y, scale = _rows(fold.fitting)
        vx, vy, _ = _rows(fold.validation, scale)
        network = _mlp(x.shape[1], y.shape[1])
        function = ccc_loss if self.loss == "ccc" else label_loss

        def batches(epoch: int) -> Iterator[Tensor]:
            order = torch.from_numpy(np.random.default_rng([seed, epoch]).permutation(len(x)))
            for rows in order.split(BATCH_SIZE):
                yield function(network(x[rows])[None], y[rows][None])

        def score() -> float:
            return -float(function(network(vx)[None], vy[None]))

        descend(network, batches, score)

        def played(episodes: Sequence[Episode]) -> Predictions:
            with torch.inference_mode():
                return [scale.prediction(network(_inputs(e)).numpy()) for e in episodes]

        return played


def smoothed_best(
    validation: Predictions,
    test: Predictions,
    episodes: Sequence[Episode],
    objective: Objective,
) -> Predictions:
    """Smooth by the exponential moving average that serves the objective best on validation people.

    Parameters
    ----------
    validation, test : list of ndarray
        Predictions.
    episodes : sequence of Episode
        Validation episodes, with labels.
    objective : Objective
        What is asked for.

    Returns
    -------
    list of ndarray
        Smoothed test predictions.
    """
    best = max(
        MEMORIES, key=lambda m: objective.value(episodes, [smoothed(p, m) for p in validation])
    )
    return [smoothed(p, best) for p in test]


def smoothed(track: FloatArray, memory: float) -> FloatArray:
    """Exponential moving average from the past, shape (n_steps, n_dims)."""
    result = track.astype(np.float64)
    for step in range(1, len(result)):
        result[step] = memory * result[step - 1] + (1.0 - memory) * result[step]
    return result.astype(np.float32)


def descend(
    network: nn.Module, batches: Callable[[int], Iterator[Tensor]], score: Callable[[], float]
) -> None:
    """Train until the score on validation people no longer rises; keep the best weights.

    Parameters
    ----------
    network : Module
        Network to train.
    batches : callable
        Yields the losses of an epoch, one at a time.
    score : callable
        Score on validation people; higher is better.
    """
    optimiser = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    best, waited, best_state = -np.inf, 0, copy.deepcopy(network.state_dict())
    for epoch in range(EPOCHS):
        network.train()
        for loss in batches(epoch):
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
        network.eval()
        with torch.inference_mode():
            reached, waited = score(), waited + 1
        if reached > best:
            best, waited, best_state = reached, 0, copy.deepcopy(network.state_dict())
        if waited >= PATIENCE:
            break
    network.load_state_dict(best_state)
    network.eval()


def _mlp(n_inputs: int, n_outputs: int) -> nn.Module:
    """Make a net of the size of the agent's actor, with dropout in place of its noise."""
    sizes = (n_inputs, *WIDTHS)
    layers: list[nn.Module] = [nn.Dropout(DROPOUT)]
    for n_in, n_out in pairwise(sizes):
        layers += [nn.Linear(n_in, n_out), nn.GELU(), nn.Dropout(DROPOUT)]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], n_outputs))


def _inputs(episode: Episode) -> Tensor:
    """Latents and elapsed time, as agents see them, shape (n_steps, n_latent + 1)."""
    elapsed = np.minimum(np.arange(episode.n_steps) * episode.step_s / ELAPSED_SCALE_S, 1.0)
    return torch.from_numpy(np.hstack([episode.latents, elapsed[:, None]]).astype(np.float32))


def _rows(
    episodes: Sequence[Episode], scale: LabelScale | None = None
) -> tuple[Tensor, Tensor, LabelScale]:
    """Latents and labels in standard deviations, of all annotated steps."""
    labels = np.concatenate([e.labels for e in episodes])
    scale = scale or LabelScale.fit([labels], 1.0)
    known = ~np.isnan(labels).all(axis=1)
    x = np.concatenate([_inputs(e).numpy() for e in episodes])[known]
    y = (labels[known] - np.asarray(scale.center)) / np.asarray(scale.half_range)
    return torch.from_numpy(x), torch.from_numpy(y.astype(np.float32)), scale
