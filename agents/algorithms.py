"""The algorithms that `train_agent` and ``eegdancer train --algo`` know: one entry each.

Nothing heavy is imported before an algorithm is used. To add one, add an entry here and a file
``agents/hyperparameters/<name>.yml``.
"""

from dataclasses import dataclass
from importlib import import_module
from inspect import signature
from typing import Any

from eeg_emotion_env.errors import ConfigError, check_choice


@dataclass(frozen=True)
class Algorithm:
    """One algorithm of Stable-Baselines3 or sb3-contrib.

    Attributes
    ----------
    name : str
        Name in configurations and on the command line.
    home : str
        ``module:class`` of the algorithm.
    policies : dict of str to str
        Policies that it can be trained with: name to ``module:class``. The first is the default.
    on_policy : bool
        Whether it learns from its latest rollout alone; `n_steps` is then the length of a
        rollout, otherwise that of the n-step return.
    recurrent : bool
        Whether its policies carry a state from step to step.
    fixed_policy_kwargs : tuple of (str, Any)
        Arguments that the algorithm itself gives to its policies.
    """

    name: str
    home: str
    policies: dict[str, str]
    on_policy: bool = False
    recurrent: bool = False
    fixed_policy_kwargs: tuple[tuple[str, Any], ...] = ()

    @property
    def model_class(self) -> type[Any]:
        """The class of the algorithm."""
        return _imported(self.home)

    @property
    def arguments(self) -> frozenset[str]:
        """Names of the settings of the algorithm, as RL Baselines3 Zoo calls them."""
        names = frozenset(signature(self.model_class).parameters) - _SET_BY_US
        return names | {"noise_type", "noise_std"} if "action_noise" in names else names

    def policy_class(self, policy: str) -> type[Any]:
        """Return the class of a policy by its name."""
        return _imported(self.policies[check_choice("policy", policy, self.policies)])


_SET_BY_US = {"self", "env", "device", "tensorboard_log", "_init_setup_model"}


def _imported(home: str) -> type[Any]:
    module, _, name = home.partition(":")
    found: type[Any] = getattr(import_module(module), name)
    return found


_ACTOR_CRITIC = {"MlpPolicy": "stable_baselines3.common.policies:ActorCriticPolicy"}
_TD3 = {"MlpPolicy": "stable_baselines3.td3.policies:TD3Policy"}
_LSTM = {
    "MlpLstmPolicy": "sb3_contrib.common.recurrent.policies:RecurrentActorCriticPolicy",
}


def _dancers(policy: str, plain: str) -> dict[str, str]:
    return {"EEGDancerPolicy": f"agents.policies:{policy}", "MlpPolicy": plain}


ALGORITHMS: dict[str, Algorithm] = {
    algorithm.name: algorithm
    for algorithm in (
        Algorithm(
            "sac",
            "stable_baselines3:SAC",
            _dancers("EEGDancerPolicy", "stable_baselines3.sac.policies:SACPolicy"),
        ),
        Algorithm("td3", "stable_baselines3:TD3", _TD3),
        # DDPG gives its policy one critic
        Algorithm("ddpg", "stable_baselines3:DDPG", _TD3, fixed_policy_kwargs=(("n_critics", 1),)),
        Algorithm("ppo", "stable_baselines3:PPO", _ACTOR_CRITIC, on_policy=True),
        Algorithm("a2c", "stable_baselines3:A2C", _ACTOR_CRITIC, on_policy=True),
        Algorithm(
            "tqc",
            "sb3_contrib:TQC",
            _dancers("EEGDancerTQCPolicy", "sb3_contrib.tqc.policies:TQCPolicy"),
        ),
        Algorithm(
            "crossq",
            "sb3_contrib:CrossQ",
            _dancers("EEGDancerCrossQPolicy", "sb3_contrib.crossq.policies:CrossQPolicy"),
        ),
        Algorithm(
            "recurrentppo", "sb3_contrib:RecurrentPPO", _LSTM, on_policy=True, recurrent=True
        ),
    )
}
"""Every algorithm by its name."""


def find_algorithm(name: str) -> Algorithm:
    """Return an algorithm by its name, in upper or lower case.

    Raises
    ------
    ConfigError
        If there is none of that name.
    """
    lower = name.lower()
    if lower.startswith("sbx"):
        raise ConfigError(
            f"algorithm {name!r} is not built in; JAX forms train unchanged in Python (extra sbx): "
            "sbx.SAC('MlpPolicy', agents.make_vec_env(env.unwrapped)); here take "
            + " or ".join(ALGORITHMS)
        )
    return ALGORITHMS[check_choice("algorithm", lower, ALGORITHMS)]
