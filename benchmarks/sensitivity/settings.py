"""The settings of the encoder that are tried: each changes one thing of the default."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from benchmarks.entries.eegdancer import NoRL
from encoders import EncoderConfig, StageConfig

UNTRAINED = StageConfig(epochs=0)


@dataclass(frozen=True)
class Setting:
    """What differs from the default.

    Attributes
    ----------
    what : str
        The thing that is changed, which groups the rows of the table.
    value : str
        Its value, for people.
    encoder, pretraining : mapping
        Fields of `EncoderConfig` and of `PretrainingConfig`.
    """

    what: str
    value: str
    encoder: Mapping[str, Any] = field(default_factory=dict)
    pretraining: Mapping[str, Any] = field(default_factory=dict)


def _settings() -> dict[str, Setting]:
    found = [
        Setting("default", "default"),
        *(Setting("codebook", str(k), {"codebook_size": k}) for k in (16, 32, 64, 128, 256)),
        *(Setting("quantizer", q, {"quantizer": q}) for q in ("vq", "residual-vq", "fsq", "none")),
        *(Setting("mask-ratio", str(r), {}, {"mask_ratio": r}) for r in (0.2, 0.4, 0.6)),
        *(Setting("span", f"{a}-{b}", {}, {"span": (a, b)}) for a, b in ((1, 2), (2, 4), (4, 8))),
        *(Setting("code-width", str(d), {"code_dim": d}) for d in (8, 16, 32)),
        *(Setting("state-width", str(d), {"dynamics_width": d}) for d in (32, 64, 128)),
        *(Setting("window", str(w), {"window": w}) for w in (16, 64, 256)),
        *(Setting("sites", str(n), {"n_sites": n}) for n in (0, 32, 62)),
        *(
            Setting("target", t, {}, {"target": t})
            for t in ("features", "whitened", "aperiodic-removed")
        ),
        *(Setting("guidance", str(w), {}, {"guidance": w}) for w in (0.0, 0.3, 1.0, 3.0)),
        Setting("assignment", "soft", {"soft_assignment": True}),
        Setting("teacher", "bidirectional", {}, {"teacher": 1.0}),
        Setting("attention", "bidirectional (offline)", {"bidirectional": True}),
        Setting("pretraining", "none", {}, {"vqvae": UNTRAINED, "dynamics": UNTRAINED}),
    ]
    return {_name(setting): setting for setting in found if not _is_default(setting)}


def _is_default(setting: Setting) -> bool:
    """Say whether a setting changes nothing (the default itself is kept)."""
    if setting.what == "default":
        return False
    defaults = {**asdict(EncoderConfig(1, 1)), **NoRL.encoder_options}
    pretraining = asdict(NoRL.pretraining_config)
    return all(defaults[k] == v for k, v in setting.encoder.items()) and all(
        pretraining[k] == v for k, v in setting.pretraining.items()
    )


def _name(setting: Setting) -> str:
    if setting.what == "default":
        return "default"
    return f"{setting.what}-{setting.value.split(' ')[0]}"


SETTINGS = _settings()
"""One-at-a-time changes of the default, by name."""


def variant(name: str) -> type[NoRL]:
    """Make the entry of a setting.

    Parameters
    ----------
    name : str
        One of `SETTINGS`.

    Returns
    -------
    type of Entry
        Linear regression on latents that were pretrained so.

    Raises
    ------
    AttributeError
        If there is no such setting.
    """
    if name not in SETTINGS:
        raise AttributeError(f"{__name__} has no setting {name!r}; there are {', '.join(SETTINGS)}")
    setting = SETTINGS[name]
    content: dict[str, Any] = {
        "name": f"latents ({name})",
        "summary": f"linear regression on frozen latents, {setting.what} {setting.value}",
        "__doc__": f"Linear regression on latents with {setting.what} {setting.value}.",
        "__module__": __name__,
        "causal": not setting.encoder.get("bidirectional", False),
        "encoder_options": {**NoRL.encoder_options, **setting.encoder},
        "pretraining_config": replace(NoRL.pretraining_config, **setting.pretraining),
    }
    return type("Latents" + name.title().replace("-", "").replace(".", ""), (NoRL,), content)
