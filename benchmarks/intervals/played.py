"""Models of part of the people, and what they say of the others; each is kept and made once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import torch
from numpy.typing import NDArray

from agents import Agent, train_agent
from agents.playing import play
from benchmarks.leaderboard import replacing
from benchmarks.personalization.protocol import Groups, Unit
from benchmarks.personalization.run import Source
from eeg_emotion_env.playback import Episode
from eeg_emotion_env.splits import validation_groups
from eeg_emotion_env.trial import Trial

FloatArray = NDArray[np.float32]

FOLDER = "models"
"""Folder below the results that keeps what was played; it holds labels, and is not passed on."""


@dataclass(frozen=True, eq=False)
class Played:
    """What the models that left a person out say of a trial.

    Attributes
    ----------
    subject : str
        The person.
    labels : ndarray, shape (n_steps, n_dims), float32
        Truth, NaN where not annotated.
    predictions : ndarray, shape (n_members, n_steps, n_dims), float32
        Of agents that differ in their seeds; the first is the agent.
    deviations : ndarray, shape (n_steps, n_dims), float32
        Standard deviation of the first agent's stochastic actor.
    """

    subject: str
    labels: FloatArray
    predictions: FloatArray
    deviations: FloatArray


Models = dict[tuple[int, ...], list[Played]]
"""What was played by the folds that a model left out."""


def units_of(n_folds: int, seeds: Sequence[int]) -> list[Unit]:
    """List the models: without each fold, and without each pair of folds, for each seed."""
    numbers = range(n_folds)
    left_out = [(one,) for one in numbers] + list(combinations(numbers, 2))
    return [Unit(seed, folds) for seed in seeds for folds in left_out]


def played_units(
    trials: Sequence[Trial],
    groups: Groups,
    units: Sequence[Unit],
    n_members: int,
    out: Path,
    on_unit: Callable[[Unit], None],
) -> dict[int, Models]:
    """Train what is not there yet and play it on the people that it left out.

    Parameters
    ----------
    trials : sequence of Trial
        All trials.
    groups : Groups
        Subjects of each fold.
    units : sequence of Unit
        Models to train.
    n_members : int
        Agents of each, on the same encoder.
    out : Path
        Folder; what was played is kept below it.
    on_unit : callable
        Called after each unit.

    Returns
    -------
    dict of int to Models
        By seed.
    """
    data = joblib.hash([(t.key, t.features, t.labels) for t in trials])
    trained = [data, groups, n_members, Source.agent_config, Source.pretraining_config]
    folder = out / FOLDER / str(joblib.hash(trained))[:12]
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[int, Models] = {}
    for unit in units:
        path = folder / f"seed{unit.seed}-without-{'-'.join(map(str, unit.left_out))}.joblib"
        if not path.exists():
            with replacing(path) as temporary:
                joblib.dump(_play_unit(trials, groups, unit, n_members), temporary)
        found.setdefault(unit.seed, {})[unit.left_out] = joblib.load(path)
        on_unit(unit)
    return found


def _play_unit(trials: Sequence[Trial], groups: Groups, unit: Unit, n_members: int) -> list[Played]:
    new = {subject for fold in unit.left_out for subject in groups[fold]}
    learnt = [trial for trial in trials if str(trial.subject) not in new]
    tested = [trial for trial in trials if str(trial.subject) in new]
    model = Source(unit.seed)
    model.fit(learnt)
    agents = [model.agent, *_others(model, learnt, unit.seed, n_members)]
    episodes = model.episodes(tested)
    predictions, deviations = _with_deviations(agents[0], episodes)
    members = [predictions, *(agent.predict(episodes) for agent in agents[1:])]
    return [
        Played(str(trial.subject), trial.labels, np.stack(own), spread)
        for trial, own, spread in zip(tested, zip(*members, strict=True), deviations, strict=True)
    ]


def _others(model: Source, learnt: Sequence[Trial], seed: int, n_members: int) -> list[Agent]:
    """Train the other members of an ensemble."""
    episodes = model.episodes(learnt) if n_members > 1 else []
    return [
        train_agent(
            episodes,
            replace(model.agent_config, seed=seed + member),
            groups=validation_groups([trial.key for trial in learnt]),
            validation_groups=model.encoder.description["validation_groups"],
        )
        for member in range(1, n_members)
    ]


def _with_deviations(
    agent: Agent, episodes: Sequence[Episode]
) -> tuple[list[FloatArray], list[FloatArray]]:
    """Play episodes; give predictions and the spread of the stochastic actor beside them."""
    steps: list[FloatArray] = []

    def act(observations: FloatArray, state: Any) -> tuple[FloatArray, Any]:
        steps.append(actor_deviations(agent, observations))
        return agent.step(observations, state)

    predictions = play(episodes, agent.layout, act)
    spread = np.stack(steps, axis=1)
    return predictions, [spread[i, : len(own)] for i, own in enumerate(predictions)]


@torch.inference_mode()
def actor_deviations(agent: Agent, observations: FloatArray) -> FloatArray:
    """Standard deviation of a squashed Gaussian actor around its mode, in units of predictions.

    To first order: that before squashing, times the slope of the squashing function at the mode.

    Parameters
    ----------
    agent : Agent
        Of SAC, with absolute actions.
    observations : ndarray, shape (n, size), float32
        As the environment gives them.

    Returns
    -------
    ndarray, shape (n, n_dims), float32
        Above 0.
    """
    actor: Any = agent.policy.actor
    scaled = torch.from_numpy(agent.scale.observation(observations, agent.layout))
    mode, log_std, _ = actor.get_action_dist_params(scaled)
    slope = 1.0 - torch.tanh(mode).square()
    half_range = np.asarray(agent.scale.half_range, np.float32)
    deviations: FloatArray = half_range * (slope * log_std.exp()).numpy()
    return deviations
