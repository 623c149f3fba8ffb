"""How strategies and statistics are called in the head of a column. Standard library only."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from signals.study.result import StudyResult

#: Heads of columns, short: what each statistic means is said once, beneath.
HEADS = {
    "total_return": "Total",
    "growth": "A year",
    "volatility": "Vol",
    "sharpe": "Sharpe",
    "sortino": "Sortino",
    "max_drawdown": "Fall",
    "drawdown_days": "Days",
    "drag": "Drag",
    "drawdown_reduction": "Less fall",
    "sharpe_gain": "Sharpe gain",
    "worst_day": "Day",
    "worst_week": "Week",
    "worst_month": "Month",
    "tail_ratio": "Tails",
    "turnover": "Turnover",
    "cost": "Cost",
    "irr": "IRR",
    "carry": "Carry",
    "gain": "Gain",
    "cash_share": "Cash",
    "cash_growth": "With cash",
    "crash_gain": "In a crash",
    "largest_crash": "In one",
    "break_even_years": "Break-even",
    "crash_years": "Crash every",
}

#: Units of statistics that only the condor has.
CONDOR_UNITS = {
    "over_cash": "share",
    "income": "share",
    "win_rate": "share",
    "trades": "trades",
    "average_win": "share",
    "average_loss": "share",
    "break_even_win_rate": "share",
    "break_even_down": "share",
    "break_even_up": "share",
}


def head(result: StudyResult, key: str) -> str:
    """The head of a column."""
    if key in HEADS:
        return HEADS[key]
    return next((each.label for each in result.statistics if each.key == key), key.replace("_", " "))


def unit_of(result: StudyResult, key: str) -> str:
    """The unit of a statistic."""
    found = next((each.unit for each in result.statistics if each.key == key), None)
    return found if found is not None else CONDOR_UNITS.get(key, "")


def label_of(result: StudyResult, track: str) -> str:
    """A strategy as a row has it: ``+ alvh-seed`` beneath the S&P 500, ``condors + alvh-seed`` beneath iron condors."""
    labels = {each.name: each.label for each in result.tracks}
    found = next((each for each in result.tracks if each.name == track), None)
    if found is None or found.against not in labels:
        return found.label if found else track
    unhedged = labels[found.against]
    short = found.label.partition(unhedged)[2].lstrip(", ")
    if not short or result.tracks[0].name == found.against:
        return short or found.label
    return f"{unhedged.split()[-1]} {short}"


def named(result: StudyResult, track: str) -> str:
    """The same within a sentence: ``with alvh-seed``."""
    label = label_of(result, track)
    return f"with {label[2:]}" if label.startswith("+ ") else label
