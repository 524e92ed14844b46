"""What each study compares."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from agents.algorithms import ALGORITHMS
from agents.config import AgentConfig
from benchmarks.studies.bptt import BPTT
from benchmarks.studies.heads import (
    AgentHead,
    Constant,
    Head,
    Mean,
    Net,
    Ridge,
    Standardised,
    StimulusTimeMean,
)
from benchmarks.studies.run import Arm

SAC = AgentConfig()


def ladder(objectives: Sequence[str]) -> list[Arm]:
    """Rungs from a constant to SAC with a privileged critic, for each objective.

    The supervised rungs of objectives that cost movement are smoothed by what serves the
    objective best on validation people; those of the CCC are also calibrated, or trained on it.
    """
    arms: list[Arm] = []
    for objective in objectives:
        plain = objective == "ccc"
        rungs = {
            "0 constant": Constant(),
            "0 stimulus-time-mean": StimulusTimeMean(),
            "1 ridge": Ridge(),
            "1 net, squared error": Net(smoothed=not plain),
            "2 net, calibrated": Net(calibrated=True, smoothed=not plain),
            "3 net, CCC loss": Net("ccc", smoothed=not plain),
            "4 BPTT, the same reward": BPTT(),
            "5 SAC, discount 0": AgentHead(replace(SAC, gamma=0.0)),
            "6 SAC": AgentHead(SAC),
            "7 SAC, privileged critic": AgentHead(replace(SAC, privileged=True)),
            "8 TQC": AgentHead(AgentConfig.tuned("tqc")),
            "8 CrossQ": AgentHead(AgentConfig.tuned("crossq")),
        }
        arms += [Arm(name, objective, head) for name, head in rungs.items()]
    return arms


def algorithms() -> list[Arm]:
    """Every algorithm with its tuned settings and the same budget, on the error."""
    return [
        Arm(name, "error", AgentHead(replace(AgentConfig.tuned(name), total_steps=SAC.total_steps)))
        for name in ALGORITHMS
    ]


def attempts() -> list[Arm]:
    """Changes to the agent of `eegdancer`, one at a time, on the error; the CCC decides."""
    settings: dict[str, dict[str, Any]] = {
        "eegdancer": {},
        "capacity: layers of 32": {"net_arch": (32, 32)},
        "capacity: layers of 256": {"net_arch": (256, 256)},
        "regularisation: latent noise 0": {"latent_noise": 0.0},
        "regularisation: latent noise 0.5": {"latent_noise": 0.5},
        "regularisation: weights not averaged": {"averaging": 0.0},
        "returns: five steps": {"n_steps": 5},
        "returns: discount 0.99": {"gamma": 0.99},
        "exploration: fixed small entropy": {"ent_coef": 0.001},
        "training: 40,000 steps": {"total_steps": 40_000},
        "warm start: imitation": {"imitation_epochs": 20},
        "warm start: imitation, critic warm-up": WARM,
        "warm start: the same, imitation fades": {**WARM, "imitation_weight": 0.3},
        "action: residual on ridge": {"action": "residual", "actor": "direct"},
        "action: gain on ridge": {"action": "gain", "actor": "direct"},
        "actor: direct": {"actor": "direct"},
        "critic: privileged": {"privileged": True},
    }
    heads: dict[str, Head] = {
        name: AgentHead(replace(SAC, **changes)) for name, changes in settings.items()
    }
    rewards = {
        "per-step CCC": "ccc",
        "growth of the running CCC": "ccc-running",
        "error and correlation": "squared-error + pcc",
        "error and rate": "squared-error + rate",
        "error and jerk": "squared-error + jerk",
    }
    heads |= {f"reward: {name}": AgentHead(SAC, reward) for name, reward in rewards.items()}
    heads |= {f"label lag: {k} s": AgentHead(SAC, lag=k) for k in (1, 2, 3)}
    agent = AgentHead(SAC)
    heads |= {
        "normalisation: latents by the trial's past": Standardised(agent),
        "ensemble: three agents": Mean((agent,) * 3),
        "ensemble: agent, net with CCC loss, ridge": Mean((agent, Net("ccc"), Ridge())),
        "no RL: net with CCC loss": Net("ccc"),
    }
    return [Arm(name, "error", head) for name, head in heads.items()]


WARM = {"imitation_epochs": 20, "critic_warmup_updates": 300}


STUDIES = ("ladder", "algorithms", "attempts")
