"""Parts that the HTML reports share: banner, figures and how a page was made."""

import base64
import json
from collections.abc import Mapping
from html import escape
from typing import Any


def banner(simulated: bool) -> str:
    """Return the mark of simulated data, or nothing."""
    if not simulated:
        return ""
    return (
        '<div class="banner" role="note"><strong>SIMULATED DATA</strong>'
        "These numbers say nothing about recorded EEG.</div>"
    )


def image(content: bytes, text: str, kind: str = "svg+xml") -> str:
    """Put a figure into a page.

    Parameters
    ----------
    content : bytes
        The figure's file.
    text : str
        What it shows, for those who cannot see it.
    kind : str
        ``"svg+xml"`` or ``"png"``.

    Returns
    -------
    str
        HTML that fetches nothing.
    """
    source = f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
    return f'<div class="wide"><img class="figure" alt="{escape(text)}" src="{source}"></div>'


def footer(context: Mapping[str, Any]) -> str:
    """Say how a page was made.

    Parameters
    ----------
    context : mapping
        Facts of the run: ``command, versions, config, fingerprint``.

    Returns
    -------
    str
        HTML.
    """
    versions = ", ".join(f"{name} {value}" for name, value in context["versions"].items())
    fingerprint = context["fingerprint"]
    shown = fingerprint if isinstance(fingerprint, str) else json.dumps(fingerprint, default=str)
    config = json.dumps(context["config"], indent=2, ensure_ascii=False, default=str)
    return (
        f"<h3>Command</h3><pre>{escape(str(context['command']))}</pre>"
        f"<h3>Versions</h3><p>{escape(versions)}</p>"
        f"<h3>Fingerprint</h3><pre>{escape(shown)}</pre>"
        f"<details><summary>Configuration</summary><pre>{escape(config)}</pre></details>"
    )
