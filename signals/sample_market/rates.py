"""Interest rates of the sample market: a policy rate that moves in quarter points, and a bill that looks ahead."""

from __future__ import annotations

import datetime as dt

import numpy as np

from signals.calendar import Days
from signals.market import HISTORY_START
from signals.sample_market.parameters import SampleParameters
from signals.sample_market.pricing import Floats

Rates = tuple[Days, Floats]

#: Days from one policy decision to the next: eight a year.
DECISION_DAYS = 46
#: Policy moves in these steps, and by at most so many at a decision; percent.
POLICY_STEP, MOST_STEPS = 0.25, 3
#: The funds rate lies so far below the top of the policy range, and never below this; percent.
FUNDS_BELOW_TOP, LOWEST_FUNDS = 0.12, 0.04
#: What is left of a rate's own deviation after a day.
OWN_PERSISTENCE = 0.95
#: Standard deviation of the funds rate within the range, and of ^IRX around the bill; percent.
FUNDS_NOISE, IRX_NOISE = 0.03, 0.015


def sample_rates(
    sessions: Days, through: dt.date, generator: np.random.Generator, parameters: SampleParameters
) -> tuple[Rates, Rates, Rates]:
    """Draw the funds rate, the bill and ^IRX from `HISTORY_START` to `through`, percent.

    Returns
    -------
    dff : each calendar day
    dtb3 : each session on which bonds trade
    irx : each session
    """
    days = np.arange(np.datetime64(HISTORY_START), np.datetime64(through) + 1)
    # Four draws a day, in the order of the days; the news of a decision is drawn with those of its day.
    draws = generator.standard_normal((len(days), 4))
    top, aim = _policy(draws[::DECISION_DAYS, 0].tolist(), parameters)
    decision = np.arange(len(days)) // DECISION_DAYS
    within = _autoregression(draws[:, 1], OWN_PERSISTENCE, FUNDS_NOISE)
    funds = np.maximum(top[decision] - FUNDS_BELOW_TOP + within, LOWEST_FUNDS)
    expected_step = np.clip(aim - top, -MOST_STEPS * POLICY_STEP, MOST_STEPS * POLICY_STEP)[decision]
    own = _autoregression(draws[:, 2], OWN_PERSISTENCE, parameters.bill_noise)
    bill = np.maximum(
        top[decision] - FUNDS_BELOW_TOP + parameters.bill_spread + parameters.bill_foresight * expected_step + own, 0.0
    )
    irx = np.maximum(bill + IRX_NOISE * draws[:, 3], 0.0)
    at = np.searchsorted(days, sessions)
    bonds = np.array([not _is_bond_holiday(day) for day in sessions.tolist()], dtype=bool)
    return (days, funds.round(2)), (sessions[bonds], bill[at][bonds].round(2)), (sessions, irx[at].round(3))


def _policy(news: list[float], p: SampleParameters) -> tuple[Floats, Floats]:
    """Top of the policy range after each decision, and the rate policy aims at, percent."""
    top, aim = round(p.rate_start / POLICY_STEP) * POLICY_STEP, p.rate_start
    tops, aims = [], []
    for shock in news:
        steps = int((aim - top) / POLICY_STEP)
        top = max(top + POLICY_STEP * min(max(steps, -MOST_STEPS), MOST_STEPS), POLICY_STEP)
        tops.append(top)
        aims.append(max(aim, POLICY_STEP))
        aim = p.rate_mean + p.rate_persistence * (aim - p.rate_mean) + p.rate_shock * shock
    return np.array(tops), np.array(aims)


def _autoregression(shocks: Floats, persistence: float, deviation: float) -> Floats:
    """A stationary first-order autoregression with the given standard deviation."""
    scale, level, path = deviation * (1.0 - persistence**2) ** 0.5, 0.0, []
    for shock in shocks.tolist():
        level = persistence * level + scale * shock
        path.append(level)
    return np.array(path)


def _is_bond_holiday(day: dt.date) -> bool:
    """Columbus Day and Veterans Day: the stock market trades, the Treasury market does not."""
    columbus = day.month == 10 and day.weekday() == 0 and 8 <= day.day <= 14
    veterans = (day.month, day.day) == (11, 11) or (day.month == 11 and day.weekday() == 0 and day.day == 12)
    return columbus or veterans
