"""The plots of the page: tracks over time, the plane, prototypes over time, the scalp."""

from typing import Any

from bokeh.models import (
    AdaptiveTicker,
    ColumnDataSource,
    FixedTicker,
    HoverTool,
    NoOverlap,
    NumeralTickFormatter,
    Range1d,
)
from bokeh.plotting import figure

BLUE, VERMILLION, GREEN, PURPLE, GREY = "#2a86cf", "#d55e00", "#009e73", "#b0629f", "#76808a"
"""Told apart by the colour-blind, and seen on white and on black."""

LEFT, RIGHT, PLANE_BORDER = 46, 26, 58
"""Widths of axes: plots below each other begin and end at one place, and the last time has room."""

SIDES = {"min_border_left": LEFT, "min_border_right": RIGHT}

TICKS = (-1, 0, 1)


def bare(**settings: Any) -> figure:
    """Return a figure without tools, on the page's own ground."""
    plot = figure(
        sizing_mode="stretch_both",
        toolbar_location=None,
        tools="",
        min_border=4,
        background_fill_color=None,
        border_fill_color=None,
        outline_line_color=None,
        **settings,
    )
    plot.axis.major_label_text_color = GREY
    plot.axis.major_label_text_font_size = "13px"
    plot.axis.axis_line_color = plot.axis.major_tick_line_color = GREY
    plot.axis.minor_tick_line_color = None
    plot.axis.axis_label_text_color = GREY
    plot.axis.axis_label_text_font_size = "14px"
    plot.axis.axis_label_text_font_style = "normal"
    plot.grid.grid_line_color, plot.grid.grid_line_alpha = GREY, 0.25
    return plot


def track(
    steps: ColumnDataSource, events: ColumnDataSource, place: int, time: Range1d, last: bool
) -> figure:
    """Plot one dimension over time: line, interval, marked and withheld steps, events.

    Parameters
    ----------
    steps : ColumnDataSource
        Columns of `Tracks`.
    events : ColumnDataSource
        ``t, colour, kind, detail``.
    place : int
        Which dimension.
    time : Range1d
        Of all plots over time.
    last : bool
        Whether it is the lowest, which has the axis of time.
    """
    plot = bare(x_range=time, y_range=Range1d(start=-1.05, end=1.05), **SIDES)
    spans = plot.vspan(x="t", source=events, line_color="colour", line_alpha=0.8, line_width=1.5)
    plot.varea("t", f"low_{place}", f"high_{place}", source=steps, fill_color=BLUE, fill_alpha=0.25)
    line = plot.line("t", f"y_{place}", source=steps, line_color=BLUE, line_width=3)
    plot.scatter("t", f"m_{place}", source=steps, marker="diamond", size=6, color=VERMILLION)
    plot.scatter("t", "held", source=steps, marker="x", size=7, color=VERMILLION)
    shown = [("prediction", f"@y_{place}{{+0.00}}"), ("marks", "@marks")]
    plot.add_tools(HoverTool(renderers=[line], mode="vline", tooltips=shown))
    told = [("event", "@kind: @detail")]  # labels are not filled in
    plot.add_tools(HoverTool(renderers=[spans], tooltips=told))
    plot.yaxis.ticker = FixedTicker(ticks=list(TICKS))
    as_clock(plot)
    plot.xaxis.visible = last
    return plot


def as_clock(plot: figure) -> None:
    """Write seconds as hours:minutes:seconds, at round ones; on a narrow page some are left out."""
    plot.xaxis.formatter = NumeralTickFormatter(format="00:00:00")
    plot.xaxis.major_label_policy = NoOverlap()
    plot.xaxis.ticker = AdaptiveTicker(
        base=60, mantissas=[1, 2, 5, 10, 15, 20, 30], desired_num_ticks=4
    )


def plane(way: ColumnDataSource, here: ColumnDataSource, names: tuple[str, str]) -> figure:
    """Plot the way of the last minute in the plane of two dimensions.

    Parameters
    ----------
    way : ColumnDataSource
        Columns of `trail`.
    here : ColumnDataSource
        ``x, y, left, right, bottom, top, colour``: the last prediction and its intervals.
    names : tuple of str
        Of the axes.
    """
    ends = [Range1d(start=-1.05, end=1.05) for _ in range(2)]
    plot = bare(x_range=ends[0], y_range=ends[1])
    # as wide as high, as the page's place for it is
    plot.min_border_left = plot.min_border_bottom = PLANE_BORDER
    plot.line([-1, 1], [0, 0], color=GREY, alpha=0.7)
    plot.line([0, 0], [-1, 1], color=GREY, alpha=0.7)
    plot.quad(
        "left", "right", "bottom", "top", source=here, fill_color=BLUE, fill_alpha=0.15,
        line_color=BLUE, line_alpha=0.5,
    )  # fmt: skip
    plot.segment(
        "x0", "y0", "x1", "y1", source=way, line_color=BLUE, line_alpha="alpha", line_width=4,
        line_cap="round",
    )  # fmt: skip
    plot.scatter("x", "y", source=here, size=22, color="colour", line_color="white", line_width=2)
    for axis, name in zip((plot.xaxis, plot.yaxis), names, strict=True):
        axis.axis_label = name
        axis.ticker = FixedTicker(ticks=list(TICKS))
    return plot


def strip(source: ColumnDataSource, time: Range1d) -> figure:
    """Plot the prototype of each step as a colour.

    Parameters
    ----------
    source : ColumnDataSource
        ``left, right, colour, number``.
    time : Range1d
        Of all plots over time.
    """
    plot = bare(x_range=time, y_range=Range1d(start=0, end=1), **SIDES)
    quads = plot.quad("left", "right", 0, 1, source=source, fill_color="colour", line_color=None)
    plot.add_tools(HoverTool(renderers=[quads], tooltips=[("prototype", "@number")]))
    plot.axis.visible, plot.grid.visible = False, False
    return plot


def scalp(source: ColumnDataSource) -> figure:
    """Plot channels from above, nose up.

    Parameters
    ----------
    source : ColumnDataSource
        ``x, y, name, reason, colour, marker, size, label, align, offset``.
    """
    ends = [Range1d(start=-1.3, end=1.3) for _ in range(2)]
    plot = bare(x_range=ends[0], y_range=ends[1])
    plot.circle(0, 0, radius=1, fill_color=None, line_color=GREY, line_width=1.5)
    plot.line([-0.1, 0, 0.1], [0.995, 1.12, 0.995], color=GREY, line_width=1.5)
    dots = plot.scatter("x", "y", source=source, marker="marker", size="size", color="colour")
    plot.text(
        "x", "y", "label", source=source, text_color=VERMILLION, text_font_size="13px",
        text_font_style="bold", text_align="align", x_offset="offset", y_offset=-2,
    )  # fmt: skip
    plot.add_tools(HoverTool(renderers=[dots], tooltips=[("channel", "@name: @reason")]))
    plot.axis.visible, plot.grid.visible = False, False
    return plot
