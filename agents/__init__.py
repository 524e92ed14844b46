"""SB3 policies, native vector environment, training and prediction for EEG emotion trajectories."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agents.agent import Agent, load_agent
    from agents.callbacks import EarlyStopping, HeldOutCCC, TrainingProgress
    from agents.config import AgentConfig
    from agents.intervals import PredictionIntervals, load_intervals
    from agents.online import OnlinePredictor
    from agents.personalization import first_minutes, personalize
    from agents.policies import EEGDancerCrossQPolicy, EEGDancerPolicy, EEGDancerTQCPolicy
    from agents.training import train_agent
    from agents.vec_env import PlaybackVecEnv, make_vec_env

_HOMES = {
    "Agent": "agents.agent",
    "AgentConfig": "agents.config",
    "EEGDancerCrossQPolicy": "agents.policies",
    "EEGDancerPolicy": "agents.policies",
    "EEGDancerTQCPolicy": "agents.policies",
    "EarlyStopping": "agents.callbacks",
    "HeldOutCCC": "agents.callbacks",
    "OnlinePredictor": "agents.online",
    "PlaybackVecEnv": "agents.vec_env",
    "PredictionIntervals": "agents.intervals",
    "TrainingProgress": "agents.callbacks",
    "first_minutes": "agents.personalization",
    "load_agent": "agents.agent",
    "load_intervals": "agents.intervals",
    "make_vec_env": "agents.vec_env",
    "personalize": "agents.personalization",
    "train_agent": "agents.training",
}

__all__ = [
    "Agent",
    "AgentConfig",
    "EEGDancerCrossQPolicy",
    "EEGDancerPolicy",
    "EEGDancerTQCPolicy",
    "EarlyStopping",
    "HeldOutCCC",
    "OnlinePredictor",
    "PlaybackVecEnv",
    "PredictionIntervals",
    "TrainingProgress",
    "first_minutes",
    "load_agent",
    "load_intervals",
    "make_vec_env",
    "personalize",
    "train_agent",
]

# openai-agents installs a package of the same name: files of both may lie in one folder
if (
    not (Path(__file__).parent / "policies.py").is_file()
    or (Path(__file__).parent / "handoffs.py").is_file()
):
    raise ImportError(
        "the package `agents` of eeg-emotion-env is mixed up with that of openai-agents in this "
        "environment; install eeg-emotion-env in an environment of its own"
    )


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'agents' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
