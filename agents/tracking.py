"""Weights & Biases as one more output of Stable-Baselines3's logger."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from stable_baselines3.common.logger import KVWriter

from agents.config import AgentConfig
from eeg_emotion_env.errors import ConfigError


class WandbOutput(KVWriter):
    """Sends what SB3 logs (``rollout/ep_rew_mean``, ``eval/ccc``, losses) to a run of wandb.

    Parameters
    ----------
    run : wandb.Run
        What ``wandb.init`` returned.
    """

    def __init__(self, run: Any) -> None:
        self.run = run

    def write(
        self,
        key_values: dict[str, Any],
        key_excluded: dict[str, tuple[str, ...]],
        step: int = 0,
    ) -> None:
        """Log all numbers at an environment step."""
        numbers = {
            name: float(value)
            for name, value in key_values.items()
            if "wandb" not in (key_excluded.get(name) or ()) and _is_number(value)
        }
        self.run.log(numbers, step=step)

    def close(self) -> None:
        """Nothing to release: the run belongs to who began it."""


def find_wandb() -> Any:
    """Return the module wandb.

    Raises
    ------
    ConfigError
        If it is not installed.
    """
    try:
        import wandb
    except ImportError as error:
        raise ConfigError(
            "wandb is not installed; run: pip install wandb (extra 'wandb')"
        ) from error
    return wandb


@contextmanager
def wandb_outputs(project: str | None, config: AgentConfig) -> Iterator[tuple[KVWriter, ...]]:
    """Begin a run of wandb and give the logger output for it; end the run afterwards.

    Parameters
    ----------
    project : str or None
        Project; None logs nowhere.
    config : AgentConfig
        Saved with the run.

    Yields
    ------
    tuple of KVWriter
        For `train_agent(outputs=…)`.

    Raises
    ------
    ConfigError
        If wandb is not installed.
    """
    if project is None:
        yield ()
        return
    with find_wandb().init(project=project, config=asdict(config)) as run:
        yield (WandbOutput(run),)


def _is_number(value: Any) -> bool:
    # numpy's scalars have item(); text and figures are for other outputs
    return isinstance(value, int | float) or (hasattr(value, "item") and value.size == 1)
