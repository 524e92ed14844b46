"""Writes one page a data set from its card: ``python -m benchmarks.make_docs``.

The pages are committed; a test compares them with what the cards say.
"""

import sys
from pathlib import Path

from eeg_emotion_env.datasets import DATASETS
from eeg_emotion_env.datasets.base import DatasetCard
from eeg_emotion_env.simulation.layouts import LAYOUTS

FOLDER = Path(__file__).parents[1] / "docs" / "datasets"
NOTE = "<!-- Written by `python -m benchmarks.make_docs` from the data set's card. -->\n"
KINDS = {
    "continuous-self": "continuous, by the participants themselves",
    "continuous-external": "continuous, by other people",
    "recalled-intensity": "intensity recalled afterwards",
    "constant-class": "one class a clip, held constant",
    "simulated": "simulated raters",
}


def page(card: DatasetCard) -> str:
    """Return the page of a data set, Markdown."""
    parts = [
        f"# {card.title}",
        NOTE,
        f"`{card.name}` · environment `{card.env_id}` · {_size(card)}",
        "## Where to get it",
        f"{card.access}\n\nLicence: {card.licence}\n\nPlease cite: {card.citation}.",
    ]
    if card.name != "simulated":
        parts += ["## The tree expected", f"```\n{card.expected_tree}\n```", TREE_NOTE]
    parts += [
        "## Check it",
        _check(card),
        "## Train on it",
        _train(card),
        "## What the label means, and what it does not",
        f"{card.label_meaning}\n\nKind: `{card.label_kind}` ({KINDS[card.label_kind]}). "
        f"Dimensions: {', '.join(card.label_names)}, in [-1, 1].",
        "## Good to know",
        "\n".join(f"- {quirk}." for quirk in card.quirks),
        "## Options",
        _options(card.name),
    ]
    if card.name in LAYOUTS:
        parts += [
            "## Try it without the data",
            "Files of the same structure, with simulated content and its truth beside them:\n\n"
            f"```sh\neegdancer simulate --layout {card.name} --out sim --subjects 2 "
            "--duration-scale 0.1\neegdancer check-data sim\n```",
        ]
    return "\n\n".join(parts).replace("\n\n\n", "\n\n") + "\n"


TREE_NOTE = (
    "Give any folder at or above it: nested copies, links, upper and lower case and renamed "
    "folders are found."
)


def _size(card: DatasetCard) -> str:
    counts = [
        f"{number} {what}"
        for number, what in (
            (card.n_subjects, "subjects"),
            (card.n_sessions, "sessions each" if card.n_sessions > 1 else "session each"),
            (card.n_trials, "trials a session"),
        )
        if number
    ]
    size = ", ".join(counts) or "any number of subjects and sessions"
    channels = f"{len(card.channels)} channels" if card.n_subjects else "any channels"
    return f"{size} · {channels} · steps of {card.step_s:g} s"


def _check(card: DatasetCard) -> str:
    if card.name == "simulated":
        return "There are no files to check."
    command = f"eegdancer check-data ~/{card.name.upper()} --report report.html"
    return f"```sh\n{command}\n```"


def _train(card: DatasetCard) -> str:
    data = "" if card.name == "simulated" else f" --data ~/{card.name.upper()}"
    given = "" if card.name == "simulated" else f', data="~/{card.name.upper()}"'
    return (
        f"```sh\neegdancer leaderboard --dataset {card.name}{data} --split leave-subject-out "
        f"--out runs/{card.name}\n```\n\n"
        f'```python\nimport gymnasium as gym\n\nenv = gym.make("eeg_emotion_env:{card.env_id}"'
        f"{given})\n```"
    )


def _options(name: str) -> str:
    """Return the attributes part of the options' docstring as a list."""
    text = DATASETS[name].Options.__doc__ or ""
    if name == "simulated":
        return (
            "All knobs of the simulator (`eeg_emotion_env.simulation.SimulationConfig`), such as "
            "`--option n_subjects=12 --option snr=0.5`."
        )
    body = text.split("----------\n", 1)[1].rstrip()
    lines, items = [line.strip() for line in body.splitlines()], []
    for line in lines:
        if " : " in line and not line.startswith("``"):
            option, kind = line.split(" : ", 1)
            items.append(f"- `{option}` ({kind}):")
        elif line:
            items[-1] += f" {line}"
    return (
        "\n".join(items).replace("``", "`")
        + "\n\nOn the command line: `--option name=value`; in Python: arguments of `load`, or "
        "`dataset_options` of the environment."
    )


def index() -> str:
    """Return the table of all data sets, Markdown."""
    rows = [
        f"| [`{card.name}`]({card.name}.md) | `{card.env_id}` | {card.title} | "
        f"{', '.join(card.label_names)}: {KINDS[card.label_kind]} |"
        for card in (dataset.card for dataset in DATASETS.values())
    ]
    head = ["| name | environment | data | labels |", "|---|---|---|---|"]
    return "\n".join(["# Data sets", "", NOTE, *head, *rows, ""])


def pages() -> dict[str, str]:
    """Return file names and contents of all pages."""
    written = {f"{name}.md": page(dataset.card) for name, dataset in DATASETS.items()}
    return {"README.md": index(), **written}


def main() -> int:
    """Write all pages."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, content in pages().items():
        (FOLDER / name).write_text(content, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
