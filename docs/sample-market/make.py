"""Recompute the tables and the charts of docs/sample-market.md.

Usage, from the root of the repository::

    python docs/sample-market/make.py DATA_DIR

DATA_DIR is a directory of recorded files as docs/data-notes.md describes it, with three files more:
``cboe/index/VIX3M_History.csv``, ``cboe/index/VVIX_History.csv`` and ``breadth/nyse_advance_decline.csv``. The charts
show statistics of the recorded data only, and daily values of the simulated market only. Needs matplotlib.
"""

from __future__ import annotations

import csv
import datetime as dt
import re
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
import numpy.typing as npt

mpl.use("svg")
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from signals.calendar import trading_calendar
from signals.inputs import resolve
from signals.market import MarketData, market_history
from signals.sample_market.facts import CALM, FACTS, RATIO, STRESS, MarketSeries, autocorrelation, measure
from signals.sample_market.model import DEFAULT_SEED, sample_market
from signals.sample_market.observations import market_data
from signals.sample_market.parameters import CALIBRATED, described
from signals.veqtor.signal import veqtor_signals
from tasks.ingest import read_source
from tasks.sources.files import FilesSource

Floats = npt.NDArray[np.float64]

HERE = Path(__file__).parent
DOCUMENT = HERE.parent / "sample-market.md"

#: The last session for which the recorded data have everything; simulated markets end there too.
LAST = dt.date(2026, 7, 29)
#: The other markets beside the default one; none of them was used to find the parameters.
SEEDS = range(1001, 1201)
RANGE = (5.0, 95.0)

RECORDED_COLOUR, SIMULATED_COLOUR = "#b3400f", "#1f5fa8"
LAGS = np.arange(1, 101)
RETURN_EDGES = np.linspace(-8.0, 8.0, 33)
VIX_EDGES = np.exp(np.linspace(np.log(8.0), np.log(90.0), 37))
CURVE_BUCKETS = (
    ("VIX below 13", 0.0, CALM),
    ("13 to 18", CALM, 18.0),
    ("18 to 28", 18.0, STRESS),
    ("28 or more", STRESS, np.inf),
)
CURVE_SLOTS = range(1, 8)


@dataclass(frozen=True)
class Summary:
    """What is kept of one market: facts, and the statistics the charts show."""

    facts: dict[str, float]
    charts: dict[str, Floats]


def summarise(series: MarketSeries) -> Summary:
    """Measure a market."""
    returns = series.returns
    standardised = (returns - returns.mean()) / returns.std()
    density = np.histogram(standardised, RETURN_EDGES)[0] / len(returns) / np.diff(RETURN_EDGES)
    vix = np.histogram(series.vix, VIX_EDGES)[0] / len(series.vix)
    memory = np.array([autocorrelation(np.abs(returns), int(lag)) for lag in LAGS])
    curves = []
    for _, low, high in CURVE_BUCKETS:
        rows = (series.vix_from_base >= low) & (series.vix_from_base < high)
        points = [series.vix_from_base, *(series.slot(slot) for slot in CURVE_SLOTS)]
        curves.append([float(np.nanmean(values[rows])) if rows.any() else np.nan for values in points])
    charts = {"returns": density, "vix": vix, "memory": memory, "curves": np.array(curves)}
    return Summary(measure(series), charts)


def simulated(seed: int) -> Summary:
    """Draw a market and measure it."""
    calendar = trading_calendar()
    market = sample_market(calendar, LAST, seed)
    signals = veqtor_signals(resolve(market_history(market_data(market), calendar, LAST), calendar))
    breadth = (market.advances.astype(np.float64), market.declines.astype(np.float64))
    return summarise(MarketSeries(signals, market.vix3m, market.vvix, *breadth))


def recorded(directory: Path) -> Summary:
    """Measure the recorded market."""
    calendar = trading_calendar()
    data: MarketData = read_source(FilesSource(directory, lambda: dt.datetime.now(dt.UTC)))[0]
    signals = veqtor_signals(resolve(market_history(data, calendar, LAST), calendar))
    sessions = signals.inputs.sessions

    def column(relative: str, date: str, name: str, day_format: str) -> Floats:
        values = np.full(len(sessions), np.nan)
        with (directory / relative).open(newline="") as file:
            for row in csv.DictReader(file):
                day = np.datetime64(dt.datetime.strptime(row[date], day_format).replace(tzinfo=dt.UTC).date())
                at = int(np.searchsorted(sessions, day))
                if at < len(sessions) and sessions[at] == day and row[name]:
                    values[at] = float(row[name])
        return values

    vix3m = column("cboe/index/VIX3M_History.csv", "DATE", "CLOSE", "%m/%d/%Y")
    vvix = column("cboe/index/VVIX_History.csv", "DATE", "VVIX", "%m/%d/%Y")
    breadth = [
        column("breadth/nyse_advance_decline.csv", "date", name, "%Y-%m-%d") for name in ("advances", "declines")
    ]
    return summarise(MarketSeries(signals, vix3m, vvix, *breadth))


def number(value: float, unit: str) -> str:
    """A figure with as many digits as its unit deserves."""
    if unit == RATIO:
        return f"{value:.3f}"
    return f"{value:.2f}" if abs(value) < 10.0 else f"{value:.1f}"


def fit_table(real: Summary, default: Summary, others: list[Summary]) -> list[str]:
    """The fit table in Markdown, and the sentence that counts its rows."""
    lines, inside, group = [], 0, ""
    for fact in FACTS:
        if fact.group != group:
            group = fact.group
            lines += [
                "",
                f"**{group}**",
                "",
                "| fact | unit | recorded | median | 5-95% | default path | |",
                "|---|---|--:|--:|--:|--:|---|",
            ]
        low, middle, high = np.percentile([other.facts[fact.key] for other in others], (RANGE[0], 50.0, RANGE[1]))
        value = real.facts[fact.key]
        fits = low <= value <= high
        inside += fits
        shown = [number(cell, fact.unit) for cell in (value, middle, low, high, default.facts[fact.key])]
        cells = [
            fact.label,
            fact.unit,
            shown[0],
            shown[1],
            f"{shown[2]} to {shown[3]}",
            shown[4],
            "" if fits else "outside",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    count = f"{inside} of {len(FACTS)} rows"
    return [f"The recorded figure lies inside the range of {len(others)} simulated markets in {count}.", *lines]


def parameter_table() -> list[str]:
    """Every parameter, its value and its meaning, in Markdown."""
    lines = ["| parameter | value | unit | meaning |", "|---|--:|---|---|"]
    return lines + [
        f"| `{name}` | {value:g} | {unit} | {meaning} |" for name, value, unit, meaning in described(CALIBRATED)
    ]


def replace_section(name: str, lines: Iterable[str]) -> None:
    """Put lines between the two comments that mark a section of the document."""
    text = DOCUMENT.read_text()
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    if not pattern.search(text):
        raise SystemExit(f"{DOCUMENT} has no section {name!r}")
    body = "\n".join(lines)
    DOCUMENT.write_text(pattern.sub(lambda found: f"{found[1]}\n{body}\n\n{found[2]}", text))


def draw(name: str, size: tuple[float, float], panels: int, fill: Callable[[list[Axes]], None]) -> None:
    """Draw one chart the same way on every run."""
    settings = {
        "svg.hashsalt": "tailguard", "svg.fonttype": "none", "font.size": 9, "axes.grid": True, "grid.alpha": 0.3,
        "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False, "path.simplify_threshold": 0.5,
    }  # fmt: skip
    with mpl.rc_context(settings):
        figure = Figure(figsize=size, facecolor="white", layout="constrained")
        fill([figure.add_subplot(1, panels, panel + 1) for panel in range(panels)])
        figure.savefig(HERE / f"{name}.svg", metadata={"Date": None, "Creator": None})


def band(axes: Axes, x: Floats, summaries: Floats, label: bool = True) -> None:
    """Median and range of the simulated markets."""
    low, middle, high = np.nanpercentile(summaries, (RANGE[0], 50.0, RANGE[1]), axis=0)
    axes.fill_between(
        x,
        low,
        high,
        color=SIMULATED_COLOUR,
        alpha=0.2,
        linewidth=0,
        label="SIMULATED, 5-95% of markets" if label else None,
    )
    axes.plot(x, middle, color=SIMULATED_COLOUR, label="SIMULATED, median" if label else None)


def draw_returns(real: Summary, others: list[Summary]) -> None:
    """Distribution of daily returns, and how long the absolute ones are remembered."""

    def fill(panels: list[Axes]) -> None:
        tails, memory = panels
        middle = (RETURN_EDGES[1:] + RETURN_EDGES[:-1]) / 2.0
        band(tails, middle, np.array([np.maximum(other.charts["returns"], 1e-5) for other in others]))
        shown = np.where(real.charts["returns"] > 0.0, real.charts["returns"], np.nan)
        tails.plot(middle, shown, "o", markersize=3.5, color=RECORDED_COLOUR, label="recorded")
        tails.plot(
            middle,
            np.exp(-(middle**2) / 2.0) / np.sqrt(2.0 * np.pi),
            color="#777777",
            linestyle=":",
            label="normal law",
        )
        tails.set(yscale="log", ylim=(2e-5, 2.0), xlabel="daily S&P 500 return, standard deviations", ylabel="density")
        tails.set_title("Tails of daily returns")
        tails.legend(fontsize=7.5, loc="upper left")
        band(memory, LAGS.astype(np.float64), np.array([other.charts["memory"] for other in others]))
        memory.plot(LAGS, real.charts["memory"], color=RECORDED_COLOUR, linewidth=1.2, label="recorded")
        memory.set(xlabel="lag, sessions", ylabel="autocorrelation", ylim=(-0.05, 0.55))
        memory.set_title("Memory of absolute returns")
        memory.legend(fontsize=7.5)

    draw("returns", (9.0, 3.6), 2, fill)


def draw_vix(real: Summary, others: list[Summary]) -> None:
    """Distribution of the VIX, and the average futures curve by level of the VIX."""

    def fill(panels: list[Axes]) -> None:
        levels, curves = panels
        middle = np.sqrt(VIX_EDGES[1:] * VIX_EDGES[:-1])
        band(levels, middle, 100.0 * np.array([other.charts["vix"] for other in others]))
        levels.plot(middle, 100.0 * real.charts["vix"], "o", markersize=3.5, color=RECORDED_COLOUR, label="recorded")
        levels.set(
            xscale="log", xlabel="VIX close, points (equal steps of its logarithm)", ylabel="share of sessions, %"
        )
        levels.set_xticks([10, 15, 20, 30, 40, 60, 80], ["10", "15", "20", "30", "40", "60", "80"])
        levels.minorticks_off()
        levels.set_title("Level of the VIX")
        levels.legend(fontsize=7.5)
        slots = np.arange(len(CURVE_SLOTS) + 1, dtype=np.float64)
        for row, (label, _, _) in enumerate(CURVE_BUCKETS):
            band(curves, slots, np.array([other.charts["curves"][row] for other in others]), label=row == 0)
            curves.plot(
                slots,
                real.charts["curves"][row],
                "o--",
                markersize=3.5,
                linewidth=0.8,
                color=RECORDED_COLOUR,
                label="recorded" if row == 0 else None,
            )
            curves.annotate(
                label,
                (slots[-1], real.charts["curves"][row][-1]),
                xytext=(6, -3),
                textcoords="offset points",
                fontsize=7.5,
                annotation_clip=False,
            )
        curves.set_xlim(-0.3, slots[-1] + 1.6)
        curves.set_xticks(slots, ["VIX", *(f"VX{slot}" for slot in CURVE_SLOTS)])
        curves.set(ylabel="mean, points", xlabel="contract, nearest expiry first")
        curves.set_title("Average curve by level of the VIX")
        curves.legend(fontsize=7.5)

    draw("vix", (9.0, 3.8), 2, fill)


def draw_shares(real: Summary, others: list[Summary]) -> None:
    """Shares of sessions by regime and by trend."""

    def fill(panels: list[Axes]) -> None:
        for axes, prefix, title in zip(
            panels, ("regime_", "trend_"), ("Realised-volatility regime", "VIX trend"), strict=True
        ):
            facts = [fact for fact in FACTS if fact.key.startswith(prefix)]
            names = [
                re.sub(r"^Sessions (with realised volatility|in a VIX|in) | of the VIX$", "", fact.label)
                for fact in facts
            ]
            values = np.array([[other.facts[fact.key] for fact in facts] for other in others])
            low, middle, high = np.percentile(values, (RANGE[0], 50.0, RANGE[1]), axis=0)
            at = np.arange(len(facts))
            axes.bar(at - 0.2, [real.facts[fact.key] for fact in facts], 0.38, color=RECORDED_COLOUR, label="recorded")
            axes.bar(at + 0.2, middle, 0.38, color=SIMULATED_COLOUR, label="SIMULATED, median and 5-95%")
            axes.errorbar(
                at + 0.2, middle, [middle - low, high - middle], fmt="none", ecolor="black", capsize=3, linewidth=0.9
            )
            axes.set_xticks(at, names)
            axes.set_ylabel("share of sessions, %")
            axes.set_title(title)
            axes.grid(visible=False, axis="x")
            axes.set_ylim(0.0, 78.0)
            axes.legend(fontsize=7.5, loc="upper right")

    draw("shares", (9.0, 3.4), 2, fill)


def draw_example() -> None:
    """The default market: what a first run shows."""
    market = sample_market(trading_calendar(), LAST)
    weekly = slice(None, None, 5)

    def fill(panels: list[Axes]) -> None:
        for axes, values, unit in zip(
            panels, (market.spx, market.vix), ("S&P 500, index points (log scale)", "VIX, points"), strict=True
        ):
            axes.plot(
                market.sessions[weekly].astype(dt.datetime), values[weekly], color=SIMULATED_COLOUR, linewidth=0.8
            )
            axes.set_ylabel(unit)
            axes.set_title(f"SIMULATED, seed {DEFAULT_SEED}, every fifth close")
        panels[0].set_yscale("log")
        ticks = [500, 1000, 2000, 4000, 8000]
        panels[0].set_yticks(ticks, [f"{tick:,}" for tick in ticks])
        panels[0].minorticks_off()

    draw("example", (9.0, 3.2), 2, fill)


def main() -> None:
    """Write the tables and draw the charts."""
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        raise SystemExit(__doc__)
    real = recorded(Path(sys.argv[1]))
    with ProcessPoolExecutor() as pool:
        default, *others = pool.map(simulated, [DEFAULT_SEED, *SEEDS], chunksize=10)
    table = fit_table(real, default, others)
    replace_section("fit table", table)
    replace_section("parameter table", parameter_table())
    draw_returns(real, others)
    draw_vix(real, others)
    draw_shares(real, others)
    draw_example()
    sys.stdout.write(f"{table[0]}\n")


if __name__ == "__main__":
    main()
