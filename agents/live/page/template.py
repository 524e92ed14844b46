"""The page around the parts, and its look."""

from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


@cache
def template() -> Any:
    """Return the page, for Bokeh to put the parts in."""
    from bokeh.core.templates import get_env

    return get_env().from_string((FOLDER / "page.html").read_text(encoding="utf-8"))


@cache
def sheet() -> str:
    """Return the style of panels and buttons."""
    return (FOLDER / "panels.css").read_text(encoding="utf-8")
