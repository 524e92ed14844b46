"""Training of one stage, epoch by epoch, with early stopping; it can be put down and taken up."""

import json
import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from encoders.config import StageConfig
from encoders.sequences import Sequences
from encoders.stages import Stage


class Fitting:
    """A stage under training.

    Parameters
    ----------
    stage : Stage
        Model and loss.
    limits : StageConfig
        Most epochs, patience, step size.
    train, validation : Sequences
        What is learnt from, and what decides when to stop.
    seed : int
        Of order and masks.
    """

    def __init__(
        self,
        stage: Stage,
        limits: StageConfig,
        train: Sequences,
        validation: Sequences,
        seed: int,
    ) -> None:
        self.stage, self.limits, self.seed = stage, limits, seed
        self._train, self._validation = train, validation
        self._trained = [p for p in stage.model.parameters() if p.requires_grad]
        self._optimiser = torch.optim.AdamW(
            self._trained, lr=limits.learning_rate, weight_decay=limits.weight_decay
        )
        self._rng = np.random.default_rng(seed)
        self._generator = torch.Generator().manual_seed(seed)
        self.epoch, self.best, self._best_epoch = 0, math.inf, 0
        self._best_model = _copied(stage.model)

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or the last ones brought nothing."""
        stale = self.epoch - self._best_epoch >= self.limits.patience
        return self.epoch >= self.limits.epochs or stale

    def run_epoch(self) -> tuple[float, float]:
        """Train for one epoch; return training and validation loss."""
        self.stage.train()
        losses = [self._update(batch) for batch in self._train.batches(self._rng)]
        score = self._validated()
        self.epoch += 1
        if score < self.best:
            self.best, self._best_epoch = score, self.epoch
            self._best_model = _copied(self.stage.model)
        return float(np.mean(losses)), score

    def restore_best(self) -> None:
        """Leave the model at its best validation loss, in evaluation mode."""
        self.stage.model.load_state_dict(self._best_model)
        self.stage.eval()

    def state_dict(self) -> dict[str, Any]:
        """Return all that is needed to go on: tensors and plain values."""
        return {
            "epoch": self.epoch,
            "best": self.best,
            "best_epoch": self._best_epoch,
            "best_model": self._best_model,
            "model": self.stage.model.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "order": json.dumps(self._rng.bit_generator.state),
            "masks": self._generator.get_state(),
            "dropout": torch.get_rng_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.epoch, self.best = state["epoch"], state["best"]
        self._best_epoch, self._best_model = state["best_epoch"], state["best_model"]
        self.stage.model.load_state_dict(state["model"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._rng.bit_generator.state = json.loads(state["order"])
        self._generator.set_state(state["masks"])
        torch.set_rng_state(state["dropout"])

    def _update(self, batch: Any) -> float:
        loss, _ = self.stage(batch, self._generator)
        self._optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self._trained, 1.0)
        self._optimiser.step()
        return float(loss.detach())

    @torch.no_grad()
    def _validated(self) -> float:
        self.stage.eval()
        # the same masks in every epoch, so that epochs can be compared
        generator = torch.Generator().manual_seed(self.seed)
        scores = [
            (float(self.stage(batch, generator)[1]), int(batch.valid.sum()))
            for batch in self._validation.batches()
        ]
        return float(np.average([s for s, _ in scores], weights=[n for _, n in scores]))


def _copied(model: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}
