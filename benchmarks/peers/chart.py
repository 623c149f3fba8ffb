"""The chart of the section: time by length of history and by number of paths."""

from __future__ import annotations

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.peers.document import Measured
from benchmarks.peers.engines import OURS, PATH_SESSIONS
from benchmarks.peers.recorded import ROOT

CHART = ROOT / "docs" / "benchmarks" / "engines.svg"

#: Told apart by marker and line, so that the chart is legible without colours.
STYLES = {
    "backtrader_engine": ("v", "--", "#6b6b6b"),
    "pandas_loop": ("^", ":", "#3a3a3a"),
    "bt_engine": ("D", "-.", "#8a6d1d"),
    "vectorbt_engine": ("s", "--", "#1f4e79"),
    "list_fold": ("x", ":", "#6b6b6b"),
    "ours": ("o", "-", "#b3261e"),
    "numba_kernel": ("+", "-.", "#3a3a3a"),
}
#: Seconds by what the axis calls them.
TICKS = {1e-4: "0.1 ms", 1e-3: "1 ms", 1e-2: "10 ms", 0.1: "0.1 s", 1.0: "1 s", 10.0: "10 s"}


def draw(measured: list[Measured]) -> None:
    """Draw it the same way on every run."""
    settings = {
        "svg.hashsalt": "tailguard", "svg.fonttype": "none", "font.size": 9, "axes.grid": True, "grid.alpha": 0.3,
        "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
    }  # fmt: skip
    with mpl.rc_context(settings):
        figure = Figure(figsize=(9.0, 3.8), facecolor="white", layout="constrained")
        history, paths = figure.subplots(1, 2, sharey=True)
        panel(history, measured, "sessions", "Time of one backtest", "sessions of history")
        panel(paths, measured, "paths", "Time of many, in one process", f"paths of {PATH_SESSIONS:,} sessions")
        history.set_yticks(list(TICKS), list(TICKS.values()))
        history.minorticks_off()
        paths.minorticks_off()
        figure.legend(*history.get_legend_handles_labels(), loc="outside right center")
        CHART.parent.mkdir(exist_ok=True)
        figure.savefig(CHART, metadata={"Date": None, "Creator": None})


def panel(axes: Axes, measured: list[Measured], kind: str, title: str, unit: str) -> None:
    """Median time of every engine by one measure of size, slowest first in the legend."""
    found = {one.engine.module: one for one in measured}
    for module, (marker, line, colour) in STYLES.items():
        known = found[module].by(kind)
        ours = module == OURS.module
        axes.plot(
            list(known),
            list(known.values()),
            marker=marker,
            markersize=5,
            linestyle=line,
            linewidth=2.2 if ours else 1.1,
            color=colour,
            label=found[module].engine.label,
        )
    axes.set(xscale="log", yscale="log", xlabel=unit)
    axes.set_title(title)
    sizes = sorted({size for one in measured for size in one.by(kind)})
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
