"""Arguments of every command of `eegdancer`: one frozen dataclass each."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from agents.config import AgentConfig
from eeg_emotion_env.simulation import SimulationConfig
from encoders.config import EncoderConfig, PretrainingConfig, StageConfig


@dataclass(frozen=True)
class Data:
    """Which trials are read, and how.

    Attributes
    ----------
    dataset : str
        Data set: seed, seed-iv, seed-vii, refed, mahnob, bids, ltne, simulated.
    data : Path or None
        Folder of the recordings (default: the folder in EEG_EMOTION_DATA; without either, a
        simulation of the same shape).
    normalization : str
        past (causal), subject (transductive) or none.
    source : str or None
        recorded: fail if there are no recordings; simulated: use the simulation.
    subjects : str
        Subjects to use, separated by commas (default: all).
    option : tuple of str
        Option of the data set as name=value, such as step_s=2 or labels=class; may be repeated.
    """

    dataset: str
    data: Path | None = None
    normalization: str = "past"
    source: str | None = None
    subjects: str = ""
    option: tyro.conf.UseAppendAction[tuple[str, ...]] = ()


@dataclass(frozen=True)
class CheckData:
    """Say what is in a folder, by subject, session and trial, and what is missing or broken."""

    folder: tyro.conf.Positional[Path]
    """Root of the data set."""
    dataset: str | None = None
    """Data set; told from the layout by default."""
    option: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """Option of the data set as name=value, such as step_s=2 or trials=events; may be repeated."""
    report: Path | None = None
    """HTML file to write: montage, band power on the scalp, label tracks."""
    verbose: bool = False
    """List every trial (length, labels, amplitude, constant channels) and every finding."""


@dataclass(frozen=True)
class Simulate:
    """Write simulated recordings in the layout of a real data set."""

    out: Path
    """Folder to write; must be new, empty, or an earlier simulation."""
    layout: str = "seed"
    """Layout: seed, seed-iv, seed-vii, refed, mahnob, bids."""
    subjects: int = 4
    """Subjects."""
    sessions: int | None = None
    """Sessions a subject (default: as many as the data set has)."""
    seed: int = 0
    """Seed of the simulation."""
    duration_scale: float = 1.0
    """Factor on the real lengths of the clips."""
    shared: float = SimulationConfig.shared
    """Share of the affect's variance that the stimulus gives to every subject, 0 to 1."""
    muscle_coupling: float = SimulationConfig.muscle_coupling
    """How strongly facial muscle activity follows valence."""
    label_lag_s: float = SimulationConfig.label_lag_s
    """Delay of the raters, seconds."""
    rater_noise: float = SimulationConfig.rater_noise
    """Spread of each rater's own fluctuation."""
    snr: float = SimulationConfig.snr
    """Factor on the rhythms that follow the affect; 0 leaves no information in the EEG."""
    features: bool = False
    """Write the stored features of the data set beside its raw EEG."""


@dataclass(frozen=True)
class Cache:
    """List or clear the features that are kept on disk."""

    action: tyro.conf.Positional[Literal["list", "clear"]] = "list"
    """list or clear."""


@dataclass(frozen=True)
class Pretrain:
    """Pretrain an encoder (causal VQ-VAE, masked dynamics) and freeze it."""

    data: Annotated[Data, tyro.conf.arg(name="")]
    out: Path
    """Folder for the encoder."""
    test_subjects: str = ""
    """Subjects to keep out of everything, separated by commas."""
    guided: bool = True
    """Use the labels of the training subjects as an auxiliary target."""
    guidance: float = PretrainingConfig.guidance
    """Weight of that target."""
    mix: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """Further data set to pretrain on, NAME or NAME=FOLDER, all its subjects; may be repeated;
    needs --sites."""
    sites: int = EncoderConfig.n_sites
    """Sites on the head that the channels of any montage are brought to; 0 ties the encoder to
    the channels of the data set."""
    quantizer: str = EncoderConfig.quantizer
    """Quantiser: vq, residual-vq, fsq or none."""
    codebook_size: int = EncoderConfig.codebook_size
    """Prototypes."""
    code_dim: int = EncoderConfig.code_dim
    """Dimensions of a prototype."""
    soft_assignment: bool = EncoderConfig.soft_assignment
    """Add how much a step belongs to each prototype to the latents."""
    state_width: int = EncoderConfig.dynamics_width
    """Width of the dynamics' state."""
    window: int = EncoderConfig.window
    """Steps that the dynamics look back over."""
    mask_ratio: float = PretrainingConfig.mask_ratio
    """Share of steps hidden from the dynamics in pretraining."""
    span: tuple[int, int] = PretrainingConfig.span
    """Shortest and longest hidden span, steps."""
    target: str = PretrainingConfig.target
    """What the VQ-VAE reconstructs: features, whitened or aperiodic-removed."""
    teacher: float = PretrainingConfig.teacher
    """Weight of the distance to a bidirectional teacher's states; 0 does without."""
    epochs: int = StageConfig.epochs
    """Most epochs of each stage."""
    seed: int = 0
    """Seed."""


@dataclass(frozen=True)
class EncoderReport:
    """Show what the prototypes of an encoder are, and what can be read from its latents."""

    data: Annotated[Data, tyro.conf.arg(name="")]
    encoder: Path
    """Folder written by `eegdancer pretrain`."""
    out: Path
    """Folder for report.html and tables."""
    probe_folds: int = 4
    """Folds of the linear probes at most."""
    max_prototypes: int = 64
    """Prototypes that are drawn at most, those used most."""


@dataclass(frozen=True)
class Train:
    """Train an agent (SAC or another algorithm) on the latents of a frozen encoder."""

    data: Annotated[Data, tyro.conf.arg(name="")]
    out: Path
    """Folder for agent and encoder."""
    encoder: Path | None = None
    """Folder of a pretrained encoder; by default one is pretrained on the training subjects."""
    test_subjects: str = ""
    """Subjects to keep out of everything, separated by commas."""
    algo: str = AgentConfig.algorithm
    """Algorithm: sac, td3, ddpg, ppo, a2c, tqc, crossq or recurrentppo, each with tuned settings
    that the options below and --param change."""
    hyperparameters: Path | None = None
    """YAML file of settings in the format of RL Baselines3 Zoo (top-level keys: environment ids or
    EEGEmotion-default); what it leaves out stays as tuned."""
    param: Annotated[tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(aliases=["-P"])] = ()
    """Any setting of algorithm, policy or training as name=value, such as batch_size=512,
    net_arch=[32,32], ent_coef=0.05, target_entropy=-3, latent_noise=0, imitation_epochs=20 or
    policy_kwargs="dict(log_std_init=-2)"; may be repeated, and has the last word."""
    reward: str | None = None
    """Reward: squared-error, ccc, ccc-running, ccc-terminal, pcc, rate, jerk, or a weighted sum
    such as "squared-error + 0.5*rate" (default: squared-error)."""
    gamma: float | None = None
    """Discount (default: tuned)."""
    actor: str | None = None
    """Actor of sac, tqc and crossq: direct or leaky (default: tuned)."""
    privileged: bool = False
    """Show label information to the critics, never to the actor (sac, tqc and crossq)."""
    total_steps: int | None = None
    """Environment steps at most (default: tuned, 20000)."""
    label_delay_s: str = "0"
    """Annotators' delay, seconds, or auto to estimate it from the training subjects: training
    labels are moved earlier, predictions later."""
    interval_folds: int = 5
    """Groups of training subjects that are left out in turn to calibrate the 80 % interval around
    predictions; each takes as long as the training itself (and the pretraining, unless the encoder
    comes from other people); 0 does without intervals."""
    tensorboard: Path | None = None
    """Folder for TensorBoard logs (extra: tensorboard)."""
    wandb: str | None = None
    """Project of Weights & Biases to log to (extra: wandb)."""
    seed: int = 0
    """Seed."""


@dataclass(frozen=True)
class Evaluate:
    """Predict subjects that a trained model has not seen, and score the predictions."""

    model: Path
    """Folder written by `eegdancer train`."""
    data: Annotated[Data, tyro.conf.arg(name="")]
    out: Path
    """Folder for predictions.parquet and metrics."""
    include_training: bool = False
    """Score subjects of the training as well; their scores say nothing about new people."""


@dataclass(frozen=True)
class Export:
    """Write a model as graphs for streams: onnxruntime or torch.export, without this package."""

    model: Path
    """Folder written by `eegdancer train` (encoder and actor) or `eegdancer pretrain` (encoder)."""
    out: Path
    """Folder for encoder.onnx and actor.onnx."""
    format: str = "onnx"
    """onnx (extra: export) or pt2 (torch.export)."""


@dataclass(frozen=True)
class Live:
    """Predict from a running EEG stream, or a recording replayed as if live (see docs/live.md)."""

    model: Path
    """Folder written by `eegdancer train`."""
    source: str = "lsl"
    """lsl, lsl:NAME (extra: live), or a recording: a file of a known data set, or any that MNE
    reads."""
    speed: float = 1.0
    """Factor on real time for a recording; inf goes as fast as it can."""
    calibration: float = 0.0
    """Seconds at the start, at rest, that only teach the normaliser what is usual for this
    person; 0 predicts at once, as `evaluate` does."""
    out: Path | None = None
    """New folder for the log: steps.csv, events.csv, command.json."""
    log_format: str = "csv"
    """csv, or parquet: both files become Parquet at the end; until then, and after a crash, they
    are CSV."""
    outlet: str | None = None
    """Name of an LSL stream to write predictions to (extra: live)."""
    unit: str | None = None
    """Unit of the samples, uV, mV or V, if the stream's own word is not to be taken."""
    exported: Path | None = None
    """Folder written by `eegdancer export` from the same model: faster steps."""
    duration: float | None = None
    """Seconds of stream after which it ends (default: when the stream ends)."""
    wait: float = 30.0
    """Seconds to look for an LSL stream, and without samples after which the run fails."""
    dataset: str | None = None
    """Data set that the recording belongs to; told from the folders above it by default."""
    option: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """Option of that data set as name=value; may be repeated."""
    browser: bool = False
    """Show a page in the browser (extra: live): trajectory, prototype, channels, counters; pause,
    mark, save."""
    host: str = "127.0.0.1"
    """Address that the page listens on; any but loopback lets other machines in, with the token."""
    port: int = 5006
    """Port of the page; 0 takes a free one."""
    open: bool = True
    """Open the page in a browser if there is a desktop; its address is printed in any case."""
    bench: bool = False
    """Measure step time, real-time factor and latency on this machine instead."""


@dataclass(frozen=True)
class Leaderboard:
    """Compare entries on held-out subjects: table, predictions and report."""

    data: Annotated[Data, tyro.conf.arg(name="")]
    out: Path
    """Folder for results; the same command goes on where it was stopped."""
    split: str = "leave-subject-out"
    """Protocol: leave-subject-out, leave-subject-and-stimulus-out, leave-stimulus-out,
    cross-session, within-subject-chronological or grouped-k-fold."""
    n_folds: int | None = None
    """Folds, for protocols that let them be chosen (groups of subjects or of stimuli)."""
    entries: str = ""
    """Entries, separated by commas: constant, stimulus-time-mean, ridge, gru, eegdancer,
    oracle-filter and oracle-smoother (simulations alone), or the import path package.module:Class
    of an entry of your own (default: all that can run)."""
    seeds: int = 1
    """Seeds of each entry that is random."""
    seed: int = 0
    """First seed."""
    label_delay_s: str = "0"
    """Annotators' delay, seconds, or auto to estimate it inside each training fold: training
    labels are moved earlier, predictions later; scores are on labels as they are."""
    scheduler: str = "local"
    """Where jobs run: local processes, or the address of a Dask scheduler such as
    tcp://host:8786 (extra: dask; see docs/clusters.md)."""
    workers: int | None = None
    """Local processes (default: one a core)."""
    quick: bool = False
    """Cut training short, for a first look; results say so."""


@dataclass(frozen=True)
class Audit:
    """Plant leaks around entries and look whether predictions notice: a verdict for each check."""

    entries: tyro.conf.Positional[str]
    """Entry of the leaderboard, or the import path package.module:Class of one of your own; several
    separated by commas; or all, which stands for every shipped one that can run here."""
    data: Annotated[Data, tyro.conf.arg(name="")] = Data("simulated")
    split: str = "leave-subject-out"
    """Protocol, as in leaderboard."""
    fold: int = 0
    """Fold of the protocol, from 0."""
    max_subjects: int = 4
    """Subjects at most (the first ones)."""
    max_trials: int = 6
    """Trials of each session at most (the first ones)."""
    quick: bool = True
    """Cut training short; leaks do not depend on it."""
    out: Path | None = None
    """Folder for audit.md, audit.csv and audit.json (with the configuration used)."""
    seed: int = 0
    """Seed of the entry."""


@dataclass(frozen=True)
class Sensitivity:
    """Change one setting of the encoder at a time and score a linear regression on its latents."""

    data: Annotated[Data, tyro.conf.arg(name="")]
    out: Path
    """Folder for sensitivity.csv, .md and .png; the same command goes on where it was stopped."""
    split: str = "grouped-k-fold"
    """Protocol, as in leaderboard; encoders are pretrained inside each fold."""
    n_folds: int | None = None
    """Folds, for protocols that let them be chosen."""
    settings: str = ""
    """Settings, separated by commas, such as codebook-16,quantizer-fsq,sites-32 (default: all)."""
    seeds: int = 1
    """Seeds of each setting."""
    seed: int = 0
    """First seed."""
    workers: int | None = None
    """Processes (default: one a core)."""


@dataclass(frozen=True)
class Summary:
    """Compare entries over the data sets of several leaderboards: one table of all."""

    folders: tyro.conf.Positional[tuple[Path, ...]]
    """Folders written by `eegdancer leaderboard`, one a data set."""
    out: Path
    """Folder for summary.csv and summary.md."""
    reference: str | None = None
    """Entry to compare with (default: the first of eegdancer, ridge, stimulus-time-mean and
    constant that ran on all data sets)."""
    track: str = "causal"
    """Track to summarise: causal, transductive or non-causal."""


COMMANDS: dict[str, type[Any]] = {
    "check-data": CheckData,
    "simulate": Simulate,
    "cache": Cache,
    "pretrain": Pretrain,
    "encoder-report": EncoderReport,
    "train": Train,
    "evaluate": Evaluate,
    "export": Export,
    "live": Live,
    "leaderboard": Leaderboard,
    "sensitivity": Sensitivity,
    "audit": Audit,
    "summary": Summary,
}
"""Every command by its name."""
