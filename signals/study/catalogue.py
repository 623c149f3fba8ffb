"""The statistics of a study: what each is called, its unit, and what it means."""

from __future__ import annotations

from signals.study.crashes import CRASH
from signals.study.result import Statistic

#: Returns in a week and in a month.
WEEK, MONTH = 5, 21

STATISTICS = tuple(
    Statistic(*each)
    for each in (
        ("total_return", "Total return", "share", "Over the whole period."),
        ("growth", "Growth a year", "share", "Compound, per 365.25 days; of a period of a year or more."),
        ("volatility", "Volatility", "share", "Standard deviation of daily returns, times the root of 252."),
        ("sharpe", "Sharpe ratio", "ratio", "Mean over standard deviation of daily returns less cash, a year."),
        ("sortino", "Sortino ratio", "ratio", "The same mean over the deviation below cash alone, a year."),
        ("max_drawdown", "Deepest fall", "share", "From a high to a later low, at closes."),
        ("drawdown_days", "Longest below a high", "days", "Until the high was reached again, or to the end."),
        ("worst_day", "Worst day", "share", "Lowest return of a session."),
        ("worst_week", "Worst week", "share", f"Lowest return over {WEEK} sessions."),
        ("worst_month", "Worst month", "share", f"Lowest return over {MONTH} sessions."),
        ("tail_ratio", "Tail ratio", "ratio", "95th percentile of daily returns over the size of the 5th."),
        (
            "turnover",
            "Turnover a year",
            "ratio",
            "Half of what was bought and sold, over the value; of a year or more.",
        ),
        (
            "cost",
            "Costs a year",
            "share",
            "Half-spreads and commissions, a share of the value; of a period of a year or more.",
        ),
        ("drag", "Drag a year", "share", "Growth a year less that of the unhedged: below 0 the hedge cost."),
        ("gain", "Gain over the unhedged", "share", "Total return less that of the unhedged, over the whole period."),
        (
            "carry",
            "Cost a year outside crashes",
            "share",
            f"What it took a year, in logarithms, outside the falls of the S&P 500 by {CRASH:.0%} or more: below 0 it "
            "added.",
        ),
        (
            "drawdown_reduction",
            "Drawdown reduction",
            "share",
            "By which share the deepest fall was less deep than that of the unhedged; below 0 it was deeper.",
        ),
        ("sharpe_gain", "Sharpe gain", "ratio", "Sharpe ratio less that of the unhedged."),
        (
            "cash_share",
            "Cash that does as much",
            "share",
            "The share of cash, and the rest unhedged, reset at every close, that had the same deepest fall.",
        ),
        ("cash_growth", "Growth a year with that cash", "share", "Of the unhedged with so much cash, before costs."),
        (
            "irr",
            "IRR of the hedge",
            "share",
            "Internal rate of return, a year, of the cash into and out of the hedge, and of what it is worth at the "
            "end; undefined unless the cash changes its sign exactly once. Not below -99%.",
        ),
        (
            "crash_gain",
            "Gain in a crash",
            "share",
            f"What it added, in logarithms, from high to low of a fall of the S&P 500 by {CRASH:.0%} or more, on "
            "average.",
        ),
        (
            "largest_crash",
            "Share of one crash",
            "share",
            "How much of all it added in crashes it added in a single one, the most.",
        ),
        (
            "break_even_years",
            "Break-even years between crashes",
            "years",
            "The hedge pays if crashes such as those of the period come once in so many years or more often.",
        ),
        (
            "crash_years",
            "Years between crashes",
            "years",
            "How often they came: once in so many years. The hedge paid where its break-even is longer.",
        ),
    )
)
