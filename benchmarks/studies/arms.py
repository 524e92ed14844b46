"""What each study compares."""

from collections.abc import Callable, Sequence
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
    Standardised,
    StimulusTimeMean,
)
from benchmarks.studies.objectives import OBJECTIVES
from benchmarks.studies.run import Arm
from benchmarks.studies.supervised import Net, Ridge

SAC = AgentConfig()

WARM: dict[str, Any] = {"imitation_epochs": 20, "critic_warmup_updates": 200}

SAC_OF: dict[str, AgentConfig] = {
    "ccc": SAC,
    "rate": replace(
        SAC,
        **WARM,
        learning_starts=0,
        action_range=2.5,
        policy_options={"initial_log_std": -1.5},
    ),
    "gain": replace(SAC, actor="direct", offset_range=0.3),
}
"""SAC for each objective. Where movement costs, the settings of ``ccc`` end in saturation; these
were chosen on the validation people of one fold of MAHNOB, who are tested in another: the rungs of
SAC have seen a little more than the others."""
SAC_OF["delayed"] = SAC_OF["rate"]

LADDER = ("ccc", "rate", "delayed", "gain")
"""Objectives of the ladder."""

WITHOUT_RL = (
    "1 ridge",
    "1 net, squared error",
    "2 net, calibrated",
    "3 net, CCC loss",
    "4 BPTT, the same reward",
)
"""Rungs that reinforcement learning has to beat."""


def ladder(objectives: Sequence[str]) -> list[Arm]:
    """Rungs from a constant to SAC with a privileged critic, for each objective.

    Outputs of the supervised rungs go through the smoothing that serves the objective best on
    validation people (none is among them).
    """
    arms: list[Arm] = []
    for objective in objectives:
        plain, sac = objective == "ccc", SAC_OF[objective]
        nets = (Net(), Net(calibrated=True), Net("ccc"))
        rungs: dict[str, Head] = {
            "0 constant": Constant(),
            "0 stimulus-time-mean": StimulusTimeMean(),
            "1 ridge": Ridge(),
            **{
                name: replace(net, smoothed=True)
                for name, net in zip(WITHOUT_RL[1:4], nets, strict=True)
            },
            "4 BPTT, the same reward": BPTT(sac),
            "5 SAC, discount 0": AgentHead(replace(sac, gamma=0.0)),
            "6 SAC": AgentHead(sac),
            "7 SAC, privileged critic": AgentHead(replace(sac, privileged=True)),
        }
        if plain:
            rungs |= {
                "8 TQC": AgentHead(AgentConfig.tuned("tqc")),
                "8 CrossQ": AgentHead(AgentConfig.tuned("crossq")),
            }
        arms += [Arm(name, objective, head) for name, head in rungs.items()]
    return arms


def algorithms(_: Sequence[str] = ()) -> list[Arm]:
    """Every algorithm with its tuned settings and the same budget, on the error."""
    return [
        Arm(name, "error", AgentHead(replace(AgentConfig.tuned(name), total_steps=SAC.total_steps)))
        for name in ALGORITHMS
    ]


def attempts(_: Sequence[str] = ()) -> list[Arm]:
    """Changes to the agent of `eegdancer`, one at a time, on the error; the CCC decides."""
    settings: dict[str, dict[str, Any]] = {
        "eegdancer": {},
        "capacity: layers of 256": {"net_arch": (256, 256)},
        "regularisation: latent noise 0": {"latent_noise": 0.0},
        "regularisation: latent noise 0.5": {"latent_noise": 0.5},
        "regularisation: weights not averaged": {"averaging": 0.0},
        "returns: five steps": {"n_steps": 5},
        "exploration: fixed small entropy": {"ent_coef": 0.001},
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
    }
    heads |= {f"reward: {name}": AgentHead(SAC, reward) for name, reward in rewards.items()}
    heads |= {f"label lag: {k} s": AgentHead(SAC, lag=k) for k in (1, 3)}
    agent = AgentHead(SAC)
    heads |= {
        "normalisation: latents by the trial's past": Standardised(agent),
        "ensemble: three agents": Mean((agent,) * 3),
        "ensemble: agent, net with CCC loss, ridge": Mean((agent, Net("ccc"), Ridge())),
        "no RL: net with CCC loss": Net("ccc"),
    }
    return [Arm(name, "error", head) for name, head in heads.items()]


STUDIES: dict[str, Callable[[Sequence[str]], list[Arm]]] = {
    "ladder": ladder,
    "algorithms": algorithms,
    "attempts": attempts,
}
"""Arms of every study."""

REFERENCES: dict[str, Sequence[str]] = {
    "ladder": WITHOUT_RL,
    "algorithms": ("sac",),
    "attempts": ("eegdancer",),
}
"""Arms of which the best is what the others of a study are compared with."""


def notes(study: str, objectives: Sequence[str], n_folds: int, seeds: int) -> list[str]:
    """Explain the table of a study in a few paragraphs."""
    lines = [
        f"{n_folds} folds of whole subjects; one encoder a fold, the same for all rows; {seeds} "
        f"seeds in each fold, other ones in each: {n_folds * seeds} runs a row (rows without "
        "chance: one a fold). Choices are made on training people who are kept out. Scores are "
        f"means over subjects of means over seeds ({seeds} agents a person); intervals resample "
        "subjects, and seeds within a fold, and are not corrected for many comparisons. CPU "
        "seconds are those of one run, without the encoder."
    ]
    if study == "ladder":
        lines.append(
            "Compared with is the best of rungs 1 to 4, chosen on these very scores: differences "
            "are conservative. Stimulus-time-mean also learns from the people kept out. The "
            "settings of SAC and BPTT where movement costs were chosen on the people kept out of "
            "one fold of MAHNOB, who are tested in another; the other rungs had no such help."
        )
        lines += [f"**{name}**: {OBJECTIVES[name].summary}." for name in objectives]
        lines.append(
            "The score of ccc is the CCC of a subject's concatenated trials; of the others the "
            "return a step over the variance of all labels, plus 1: about 0 is earned by standing "
            "still at their mean, 1 by a perfect prediction that costs nothing."
        )
    else:
        lines.append("The score is the CCC of a subject's concatenated trials.")
    return lines
