"""`gru`: a supervised recurrent network on the same features, the model to beat."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from benchmarks.entries.base import Entry, FloatArray, label_mean, label_std, limited
from eeg_emotion_env.trial import Trial
from encoders.groups import hold_out
from encoders.pretraining import label_loss

WIDTH = 64
DROPOUT = 0.3
LEARNING_RATE = 1e-3
WEIGHT_DECAY = 1e-2
BATCH_SIZE = 16
EPOCHS = 60
PATIENCE = 12
VALIDATION_SHARE = 0.2


class GRU(Entry):
    """Gated recurrent units with squared error, stopped early on left-out training subjects."""

    name = "gru"
    summary = "supervised recurrent network, squared error, stopped early inside the fold"
    stochastic = True

    def fit(self, train: Sequence[Trial]) -> None:
        """Train on most subjects; keep the weights that fit the others best."""
        kept_out = hold_out([trial.subject for trial in train], VALIDATION_SHARE, self.seed)
        fitting = [trial for trial in train if trial.subject not in kept_out]
        validation = [trial for trial in train if trial.subject in kept_out]
        self._mean, self._std = label_mean(fitting), label_std(fitting)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            n_features = fitting[0].features[0].size
            self._network = Network(n_features, fitting[0].n_dims)
            self._train(fitting, validation)

    def predict(self, trial: Trial) -> FloatArray:
        """Run the network over the trial from its start."""
        with torch.inference_mode():
            output = self._network(_features(trial)[None])[0].numpy()
        return limited(output * self._std + self._mean)

    def _train(self, fitting: list[Trial], validation: list[Trial]) -> None:
        network = self._network
        optimiser = torch.optim.AdamW(
            network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY
        )
        rng = np.random.default_rng(self.seed)
        best, best_epoch, best_state = float("inf"), 0, network.state_dict()
        for epoch in range(1, (EPOCHS // 3 if self.quick else EPOCHS) + 1):
            network.train()
            for x, y in self._batches(fitting, rng):
                loss = label_loss(network(x), y)
                optimiser.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(network.parameters(), 1.0)
                optimiser.step()
            score = self._validate(validation)
            if score < best:
                best, best_epoch = score, epoch
                best_state = {k: v.clone() for k, v in network.state_dict().items()}
            if epoch - best_epoch >= PATIENCE:
                break
        network.load_state_dict(best_state)
        network.eval()

    @torch.no_grad()
    def _validate(self, validation: list[Trial]) -> float:
        self._network.eval()
        losses = [
            (float(label_loss(self._network(x), y)), int((~torch.isnan(y)).sum()))
            for x, y in self._batches(validation, None)
        ]
        return float(np.average([v for v, _ in losses], weights=[n for _, n in losses]))

    def _batches(
        self, trials: list[Trial], rng: np.random.Generator | None
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


class Network(nn.Module):
    """Linear layer, GRU, linear layer; maps (batch, time, features) to (batch, time, dims)."""

    def __init__(self, n_features: int, n_dims: int) -> None:
        super().__init__()
        self.embed = nn.Linear(n_features, WIDTH)
        self.recurrent = nn.GRU(WIDTH, WIDTH, batch_first=True)
        self.head = nn.Linear(WIDTH, n_dims)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, x: Tensor) -> Tensor:
        """Predict standardised labels of every step from the steps up to it."""
        hidden, _ = self.recurrent(self.dropout(torch.tanh(self.embed(x))))
        output: Tensor = self.head(self.dropout(hidden))
        return output


def _features(trial: Trial) -> Tensor:
    return torch.from_numpy(trial.features.reshape(trial.n_steps, -1).copy())
