"""The indicators of the hedge: what each one measures, its state, and how far it is from the next change.

A value needs every input it is made of. Without one the indicator is *unavailable*, which is never the same as off.

=========================  ===========================================  ==========================================
indicator                  first value, after the first input           a missing input
=========================  ===========================================  ==========================================
``vix_rsi``                14 sessions; certain to 1e-9 after 400       bridged, up to 5 sessions
``breadth_macd``           33 sessions; certain to 1e-9 after 400       bridged; sector funds stand in, labelled
``curve_inversion``        at once                                      VIX3M from the futures curve, labelled
``reer_shift``             8 years of months, usable 45 days late       up to a fifth of the months
``liquidity_quick_ratio``  63 sessions                                  unavailable while it is in the window
``event_risk``             at once                                      unknown
the others                 a full window                                unavailable while it is in the window
=========================  ===========================================  ==========================================

A missing day itself is unavailable unless something stands in; "bridged" says that the days after it are not.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from signals.alvh.indicator_table import (
    CHEAP,
    DEAR,
    FAIR,
    SHOWN,
    UNKNOWN,
    Indicator,
    IndicatorInputs,
    IndicatorTable,
    Schedule,
)
from signals.alvh.measures import (
    CERTAIN_AFTER,
    OFF,
    ON,
    SESSIONS_PER_YEAR,
    UNAVAILABLE,
    Flags,
    correlation,
    hysteresis,
    log_changes,
    macd,
    percentile_rank,
    regression,
    run_start,
    standard_score,
    wilder_rsi,
)
from signals.alvh.rules import Indicators
from signals.calendar import Days
from signals.total_return import window_sum
from signals.veqtor.indicators import realised_volatility
from signals.veqtor.rules import VEQTOR
from signals.vix_futures import MONEY_MARKET_YEAR, TBILL_DAYS, Floats, constant_maturity_future

#: The first session of VIX3M; before it there is nothing for the curve to stand in for.
VIX3M_SINCE = dt.date(2006, 7, 17)

#: VIX3M over ``sqrt((VIX^2 + F30^2 + F60^2) / 3)``, median of the sessions of 2023 to 2025 that have both.
VIX3M_OVER_CURVE = 1.0519

#: Days after which a monthly series that goes on would have had a newer month, one late release included.
_TWO_MONTHS = np.timedelta64(62, "D")


def indicator_table(inputs: IndicatorInputs, rules: Indicators) -> IndicatorTable:
    """Measure everything, for a whole history at once. No row depends on a later one."""
    make = partial(_indicator, inputs.sessions, rules.windows.percentile)
    panel, windows = inputs.panel, rules.windows
    first, second = panel.settle[:, 0], panel.settle[:, 1]
    days = np.diff(panel.expiries).astype(np.int64)[panel.front]
    realised = 100.0 * realised_volatility(inputs.spx, replace(VEQTOR, realised_window=windows.variance_premium))
    alpha, beta, explained = _capm(inputs, windows.capm_premium)
    moves = log_changes(inputs.spx), log_changes(inputs.vix)
    earlier = np.full(len(inputs.vix), np.nan)
    earlier[windows.variance_premium :] = inputs.vix[: -windows.variance_premium]
    futures = "Cboe VX settlements"
    found = [
        _vix_rsi(inputs, rules, make),
        _breadth_macd(inputs, rules, make),
        _curve_inversion(inputs, rules, make),
        _reer_shift(inputs, rules, make),
        _liquidity(inputs, rules, make),
        _event_risk(inputs, rules, make),
        _carry(np.log(second / first) * 365.0 / days, rules, make),
        make("variance_premium", "variance premium, live", "points", "VIX, S&P 500", inputs.vix - realised),
        make("variance_premium_ex_post", "variance premium, ex post", "points", "VIX, S&P 500", earlier - realised),
        make("capm_premium", "cost beyond beta", "a year", "VIX futures index, S&P 500 TR, T-bill", -alpha),
        make("capm_beta", "beta of VIX futures", "", "VIX futures index, S&P 500 TR, T-bill", beta),
        make("capm_r2", "R squared of that beta", "", "VIX futures index, S&P 500 TR, T-bill", explained),
        make("term_structure", "second VX over the first, less 1", "", futures, second / first - 1.0),
        make("cm30", "30-day VX", "points", futures, constant_maturity_future(panel, inputs.vix)),
        make("vvix", "VVIX", "points", "Cboe", inputs.vvix),
    ]
    for window, name in ((windows.correlation_short, "short"), (windows.correlation_long, "long")):
        label = f"S&P 500 and VIX, correlation over {window} sessions"
        found.append(make(f"correlation_{name}", label, "", "VIX, S&P 500", correlation(*moves, window)))
    return IndicatorTable(inputs.sessions, {indicator.name: indicator for indicator in found})


def _indicator(sessions: Days, window: int, name: str, label: str, unit: str, source: str, value: Floats) -> Indicator:
    """An indicator that is only shown; the others are made from it."""
    count, known = len(value), np.isfinite(value)
    nothing = np.full(count, np.nan)
    return Indicator(
        name=name,
        label=label,
        unit=unit,
        source=source,
        value=value,
        percentile=percentile_rank(value, window),
        state=np.where(known, SHOWN, UNAVAILABLE).astype(np.int8),
        threshold=nothing,
        distance=nothing,
        observed_on=_newest(sessions, known),
        substitute=np.zeros(count, dtype=bool),
    )


def _newest(sessions: Days, known: Flags) -> Days:
    """The last session with an input, at each session."""
    row = np.maximum.accumulate(np.where(known, np.arange(len(known)), -1))
    return np.where(row >= 0, sessions[row], np.datetime64("NaT"))


def _switched(shown: Indicator, on: float, off: float, *, rising: bool = True) -> Indicator:
    state = hysteresis(shown.value, on, off, rising=rising)
    threshold = np.where(state == ON, off, np.where(state == OFF, on, np.nan))
    return replace(shown, state=state, threshold=threshold, distance=threshold - shown.value)


def _cold(value: Floats) -> Flags:
    """Whether a recursive average still depends on where it started."""
    known = np.isfinite(value)
    return known & (np.arange(len(value)) - run_start(known) < CERTAIN_AFTER)


def _vix_rsi(inputs: IndicatorInputs, rules: Indicators, make: partial[Indicator]) -> Indicator:
    own = rules.vix_rsi
    shown = make("vix_rsi", f"RSI({own.length}) of the VIX", "of 100", "VIX", wilder_rsi(inputs.vix, own.length))
    return replace(_switched(shown, own.on_at, own.off_below), cold=_cold(shown.value))


def _breadth_macd(inputs: IndicatorInputs, rules: Indicators, make: partial[Indicator]) -> Indicator:
    own = rules.breadth_macd

    def measured(steps: Floats) -> Floats:
        line, signal = macd(steps, own.fast, own.slow, own.signal)
        return line - signal

    # Two scales: no line, no rank and no step leads from one to the other.
    exchange, basket = measured(inputs.advance_decline), measured(inputs.basket)
    own_counts = np.isfinite(exchange)

    def chosen(of: Callable[[Floats], Floats]) -> Floats:
        return np.where(own_counts, of(exchange), of(basket))

    value = np.where(own_counts, exchange, basket)
    label = f"MACD({own.fast},{own.slow},{own.signal}) of breadth, line less signal"
    shown = make("breadth_macd", label, "issues", "NYSE issues", value)
    # On below zero; at zero as before.
    found = _switched(shown, np.nextafter(0.0, -1.0), 0.0, rising=False)
    return replace(
        found,
        percentile=chosen(partial(percentile_rank, window=rules.windows.percentile)),
        threshold=np.where(np.isfinite(value), 0.0, np.nan),
        distance=-value,
        observed_on=_newest(inputs.sessions, np.isfinite(inputs.advance_decline) | np.isfinite(inputs.basket)),
        substitute=~own_counts & np.isfinite(basket),
        substitute_label="basket of {} Select Sector SPDR funds stands in for the exchange's counts",
        substitute_size=inputs.basket_size,
        cold=np.where(own_counts, _cold(exchange), _cold(basket)),
        previous=chosen(lambda values: np.concatenate([[np.nan], values[:-1]])),
    )


def synthetic_vix3m(inputs: IndicatorInputs) -> Floats:
    """What stands in for VIX3M: the root mean square of the VIX and of the futures at 30 and 60 days, scaled."""
    at_30, at_60 = (constant_maturity_future(inputs.panel, inputs.vix, days) for days in (30, 60))
    made: Floats = VIX3M_OVER_CURVE * np.sqrt((inputs.vix**2 + at_30**2 + at_60**2) / 3.0)
    return np.where(inputs.sessions >= np.datetime64(VIX3M_SINCE), made, np.nan)


def _curve_inversion(inputs: IndicatorInputs, rules: Indicators, make: partial[Indicator]) -> Indicator:
    made = np.isnan(inputs.vix3m)
    value = inputs.vix / np.where(made, synthetic_vix3m(inputs), inputs.vix3m)
    own, label = rules.curve_inversion, "VIX over VIX3M"
    found = _switched(make("curve_inversion", label, "", "Cboe", value), own.on_at, own.off_below)
    stand_in = "no VIX3M: made from the VIX and the futures at 30 and 60 days"
    return replace(found, substitute=made & np.isfinite(value), substitute_label=stand_in)


def _reer_shift(inputs: IndicatorInputs, rules: Indicators, make: partial[Indicator]) -> Indicator:
    own = rules.reer_shift
    months, value = _by_month(*inputs.reer)
    score = standard_score(log_changes(value, own.change_months), own.history_years * 12)
    month_ends = (months + 1).astype("datetime64[D]") - np.timedelta64(1, "D")
    usable_on = month_ends + np.timedelta64(own.publication_lag_days, "D")
    # A month without a value was not published.
    there = np.isfinite(value)
    usable_on, month_ends, score = usable_on[there], month_ends[there], score[there]
    newest = np.searchsorted(usable_on, inputs.sessions, side="right") - 1
    found = np.full(len(inputs.sessions), np.nan)
    observed = np.full(len(inputs.sessions), np.datetime64("NaT"), dtype="datetime64[D]")
    rows = newest >= 0
    observed[rows] = month_ends[newest[rows]]
    current = rows.copy()
    current[rows] = inputs.sessions[rows] - usable_on[newest[rows]] <= _TWO_MONTHS
    found[current] = score[newest[current]]
    label = f"{own.change_months}-month change of the dollar's real effective exchange rate"
    shown = make("reer_shift", label, "standard deviations", "FRED RBUSBIS, latest vintage", found)
    return replace(_switched(shown, own.on_at, own.off_below), observed_on=observed)


def _by_month(days: Days, values: Floats) -> tuple[Days, Floats]:
    """A monthly series without holes in its months; NaN where one has no value."""
    if not len(days):
        return np.array([], dtype="datetime64[M]"), np.array([])
    own = days.astype("datetime64[M]")
    months = np.arange(own[0], own[-1] + 1)
    found = np.full(len(months), np.nan)
    found[(own - own[0]).astype(np.int64)] = values
    return months, found


def _liquidity(inputs: IndicatorInputs, rules: Indicators, make: partial[Indicator]) -> Indicator:
    own = rules.liquidity_quick_ratio
    traded = np.where(inputs.spy_dollar_volume > 0.0, inputs.spy_dollar_volume, np.nan)
    illiquidity = np.abs(inputs.spy_return) / traded
    usual = window_sum(illiquidity, own.long_sessions) / own.long_sessions
    recent = window_sum(illiquidity, own.short_sessions) / own.short_sessions
    ratio = usual / np.where(recent > 0.0, recent, np.nan)
    shown = make("liquidity_quick_ratio", "liquidity against its quarter", "", "SPY", ratio)
    return replace(
        _switched(shown, own.on_at, own.off_above, rising=False),
        observed_on=_newest(inputs.sessions, np.isfinite(illiquidity)),
    )


def _event_risk(inputs: IndicatorInputs, rules: Indicators, make: partial[Indicator]) -> Indicator:
    horizon = rules.event_risk.horizon_sessions
    everyone = inputs.calendar.sessions
    position = np.searchsorted(everyone, inputs.sessions)
    through = everyone[position + horizon]
    nearest, unknown = np.full(len(position), np.nan), np.zeros(len(position), dtype=bool)
    for schedule in inputs.schedules:
        unknown |= ~_is_known(schedule, through)
        if not len(schedule.days):
            continue
        following = np.searchsorted(schedule.days, inputs.sessions, side="right")
        later = following < len(schedule.days)
        # An announcement on a day without a session counts for the next one.
        counts_on = np.searchsorted(everyone, schedule.days)[following[later]]
        nearest[later] = np.fmin(nearest[later], (counts_on - position[later]).astype(float))
    state = np.where(nearest <= horizon, ON, np.where(unknown, UNKNOWN, OFF)).astype(np.int8)
    shown = make("event_risk", "sessions to the next FOMC, CPI or PPI", "sessions", "Federal Reserve, BLS", nearest)
    threshold = np.where(state == OFF, float(horizon), np.nan)
    observed = np.where(state == UNKNOWN, np.datetime64("NaT"), inputs.sessions)
    return replace(shown, state=state, threshold=threshold, distance=threshold - nearest, observed_on=observed)


def _is_known(schedule: Schedule, through: Days) -> Flags:
    """Whether a schedule reaches past each day without leaving one out around it."""
    days = schedule.days
    if not len(days):
        return np.zeros(len(through), dtype=bool)
    following = np.searchsorted(days, through, side="right")
    later = days[np.minimum(following, len(days) - 1)]
    earlier = np.where(following > 0, days[np.maximum(following - 1, 0)], through)
    apart: Flags = (following < len(days)) & ((later - earlier).astype(np.int64) <= schedule.apart)
    return apart


def _carry(value: Floats, rules: Indicators, make: partial[Indicator]) -> Indicator:
    own = rules.carry
    shown = make("carry", "carry of the first two VX", "a year", "Cboe VX settlements", value)
    rank = shown.percentile
    state = np.where(rank <= own.cheap_percentile, CHEAP, np.where(rank >= own.dear_percentile, DEAR, FAIR))
    state = np.where(np.isfinite(rank), state, UNAVAILABLE).astype(np.int8)
    middle = (own.cheap_percentile + own.dear_percentile) / 2.0
    threshold = np.where(rank < middle, own.cheap_percentile, own.dear_percentile)
    threshold = np.where(np.isfinite(rank), threshold, np.nan)
    # The thresholds of carry are of its percentile.
    return replace(shown, state=state, threshold=threshold, distance=threshold - rank)


def _capm(inputs: IndicatorInputs, window: int) -> tuple[Floats, Floats, Floats]:
    """Alpha a year, beta and R squared of short-term VIX futures on the S&P 500 over the T-bill."""
    days = np.diff(inputs.sessions).astype(np.int64)
    earned = np.full(len(inputs.sessions), np.nan)
    earned[1:] = (1.0 / (1.0 - TBILL_DAYS / MONEY_MARKET_YEAR * inputs.tbill[:-1])) ** (days / TBILL_DAYS) - 1.0
    alpha, beta, explained = regression(inputs.equity_return - earned, inputs.short_term_return, window)
    return SESSIONS_PER_YEAR * alpha, beta, explained
