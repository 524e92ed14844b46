"""Time to score: the default agent against stock `SAC("MlpPolicy")` of Stable-Baselines3.

Both train on the same people of the simulation, on the same frozen latents, and are scored on the
same held-out people while they learn (the time that scoring takes is not counted). Stock SAC has
SB3's defaults and one environment, and 50,000 steps. For each seed: the highest CCC that stock
reaches and the time it takes, and the time that the default agent takes to reach as much. Making
environments and networks is counted for neither. What reaches the score is the agent as it would be
kept at that moment; `train_agent` itself keeps none before half of its steps.
"""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3 import SAC
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.monitor import Monitor

from agents import AgentConfig, train_agent
from agents.callbacks import EarlyStopping, subject_score
from agents.playing import play
from benchmarks.speed.timing import Row
from eeg_emotion_env.datasets import load
from eeg_emotion_env.env import EEGEmotionEnv
from eeg_emotion_env.episodes import Episode, build_episodes
from eeg_emotion_env.observation import ObservationLayout
from encoders import shipped_encoder

SEEDS = 5
STEPS = 50_000
EVERY = 1_000
"""Steps of stock SAC, and between its scores."""
EVERY_OURS = 320
N_SUBJECTS, N_HELD_OUT = 12, 4
ENCODER = "simulated-62x5"

Point = tuple[int, float, float]
"""Environment steps, CPU seconds of training, held-out CCC."""


@dataclass(frozen=True)
class Curves:
    """Held-out CCC of both while they learn, for one seed."""

    seed: int
    stock: list[Point]
    ours: list[Point]

    @property
    def peak(self) -> Point:
        """Where stock is best."""
        return max(self.stock, key=lambda point: point[2])

    @property
    def reached(self) -> float:
        """Seconds that the default agent takes to stock's peak; infinite if it never gets there."""
        times = [seconds for _, seconds, score in self.ours if score >= self.peak[2]]
        return min(times, default=float("inf"))

    @property
    def ratio(self) -> float:
        """Time to stock's peak, ours over stock's."""
        return self.reached / self.peak[1]


def measure() -> list[Row]:
    """Train both with every seed (about an hour on one core) and print their curves."""
    torch.set_num_threads(1)
    train, held_out = _people()
    curves = []
    for seed in range(SEEDS):
        curves.append(Curves(seed, _stock(train, held_out, seed), _default(train, held_out, seed)))
        _print(curves[-1])
    return _rows(curves)


def _rows(curves: Sequence[Curves]) -> list[Row]:
    ratios = [c.ratio for c in curves]
    peaks, times = [c.peak[2] for c in curves], [c.peak[1] for c in curves]
    whole = [c.reached / c.stock[-1][1] for c in curves]
    return [
        Row(
            "training.time_to_stock_peak",
            f"CPU time to the held-out CCC at which stock SAC peaks, {len(curves)} seeds, median",
            float(np.median(ratios)),
            "≤ 0.1",
            f"by seed {', '.join(f'{r:.3f}' for r in ratios)}; stock peaks at CCC "
            f"{np.mean(peaks):.3f} after {np.mean(times):.0f} s, ours is there after "
            f"{np.mean([c.reached for c in curves]):.1f} s",
        ),
        Row(
            "training.time_to_stock_peak_of_whole",
            "the same against the time of stock's 50,000 steps",
            float(np.median(whole)),
        ),
        Row(
            "training.final_ccc_difference",
            "held-out CCC at the end, ours less stock's, mean",
            float(np.mean([c.ours[-1][2] - c.stock[-1][2] for c in curves])),
            detail=f"{np.mean([c.ours[-1][2] for c in curves]):.3f} against "
            f"{np.mean([c.stock[-1][2] for c in curves]):.3f}",
        ),
    ]


def _people() -> tuple[list[Episode], list[Episode]]:
    encoder = shipped_encoder(ENCODER)
    trials = load("simulated", n_subjects=N_SUBJECTS, n_trials=9, seed=1)
    held_out = set(trials.subjects[-N_HELD_OUT:])
    episodes = build_episodes(trials, encoder.encode)
    return (
        [e for e in episodes if e.key.subject not in held_out],
        [e for e in episodes if e.key.subject in held_out],
    )


class _Clock(BaseCallback):
    """Scores on held-out people now and then; knows the CPU time of everything else."""

    def __init__(self, every: int, score: Callable[[], float]) -> None:
        super().__init__()
        self.every, self.score = every, score
        self.curve: list[Point] = []
        self._next, self._scoring = every, 0.0

    def _on_training_start(self) -> None:
        self._start = time.process_time()

    def _on_step(self) -> bool:
        if self.num_timesteps >= self._next:
            self._next += self.every
            before = time.process_time()
            ccc = self.score()
            self.curve.append((self.num_timesteps, before - self._start - self._scoring, ccc))
            self._scoring += time.process_time() - before
        return True


def _stock(train: Sequence[Episode], held_out: Sequence[Episode], seed: int) -> list[Point]:
    env = Monitor(EEGEmotionEnv.from_episodes(train))
    model = SAC("MlpPolicy", env, seed=seed, device="cpu")
    layout = ObservationLayout(train[0].n_latent, len(train[0].label_names))

    def act(observations: NDArray[np.float32], state: Any) -> tuple[NDArray[np.float32], Any]:
        return model.predict(observations, state, deterministic=True)

    clock = _Clock(EVERY, lambda: subject_score(held_out, play(held_out, layout, act)))
    model.learn(STEPS, callback=clock)
    return clock.curve


def _default(train: Sequence[Episode], held_out: Sequence[Episode], seed: int) -> list[Point]:
    clocks: list[_Clock] = []

    def watch(stopping: EarlyStopping) -> _Clock:
        def score() -> float:
            with stopping.averaged() as agent:
                return subject_score(held_out, agent.predict(held_out))

        clocks.append(_Clock(EVERY_OURS, score))
        return clocks[0]

    train_agent(train, AgentConfig(seed=seed), callbacks=[watch])
    return clocks[0].curve


def _print(curves: Curves) -> None:
    for name, curve in (("stock", curves.stock), ("ours", curves.ours)):
        shown = curve[:: max(1, len(curve) // 10)]
        points = "  ".join(f"{steps}: {seconds:.1f} s {ccc:.3f}" for steps, seconds, ccc in shown)
        print(f"seed {curves.seed} {name:5s}  {points}", file=sys.stderr, flush=True)
