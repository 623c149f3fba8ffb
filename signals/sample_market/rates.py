"""Interest rates of the sample market: a policy rate that moves in quarter points, and a bill that looks ahead."""

from __future__ import annotations

import datetime as dt

import numpy as np

from signals.calendar import Days
from signals.market import HISTORY_START
from signals.rates import is_bond_holiday
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
    top, aim = (levels[:, 0] for levels in policy(draws[::DECISION_DAYS, :1], parameters.rate_start, parameters))
    decision = np.arange(len(days)) // DECISION_DAYS
    within = _autoregression(draws[:, 1], OWN_PERSISTENCE, FUNDS_NOISE)
    funds = funds_rate(top[decision], within)
    own = _autoregression(draws[:, 2], OWN_PERSISTENCE, parameters.bill_noise)
    bill = bill_rate(top[decision], aim[decision], own, parameters)
    irx = np.maximum(bill + IRX_NOISE * draws[:, 3], 0.0)
    at = np.searchsorted(days, sessions)
    bonds = np.array([not is_bond_holiday(day) for day in sessions.tolist()], dtype=bool)
    return (days, funds.round(2)), (sessions[bonds], bill[at][bonds].round(2)), (sessions, irx[at].round(3))


def policy(news: Floats, start: Floats | float, p: SampleParameters) -> tuple[Floats, Floats]:
    """Top of the policy range after each decision, and the rate policy aims at, percent.

    Parameters
    ----------
    news : float, shape (decisions, markets)
        Normal.
    start : float, or of shape (markets,)
        What policy aims at on the first day.
    """
    aim = np.broadcast_to(start, news.shape[1:])
    top = np.rint(aim / POLICY_STEP) * POLICY_STEP
    tops, aims = np.empty(news.shape), np.empty(news.shape)
    for row, shock in enumerate(news):
        steps = np.clip(np.trunc((aim - top) / POLICY_STEP), -MOST_STEPS, MOST_STEPS)
        top = np.maximum(top + POLICY_STEP * steps, POLICY_STEP)
        tops[row], aims[row] = top, np.maximum(aim, POLICY_STEP)
        aim = p.rate_mean + p.rate_persistence * (aim - p.rate_mean) + p.rate_shock * shock
    return tops, aims


def funds_rate(top: Floats, within: Floats) -> Floats:
    """The funds rate, percent, before rounding; `within` is its own deviation."""
    rate: Floats = np.maximum(top - FUNDS_BELOW_TOP + within, LOWEST_FUNDS)
    return rate


def bill_rate(top: Floats, aim: Floats, own: Floats, p: SampleParameters) -> Floats:
    """The Treasury bill, percent, before rounding; `own` is its own deviation."""
    expected_step = np.clip(aim - top, -MOST_STEPS * POLICY_STEP, MOST_STEPS * POLICY_STEP)
    rate: Floats = np.maximum(top - FUNDS_BELOW_TOP + p.bill_spread + p.bill_foresight * expected_step + own, 0.0)
    return rate


def _autoregression(shocks: Floats, persistence: float, deviation: float) -> Floats:
    """A stationary first-order autoregression with the given standard deviation."""
    scale, level, path = deviation * (1.0 - persistence**2) ** 0.5, 0.0, []
    for shock in shocks.tolist():
        level = persistence * level + scale * shock
        path.append(level)
    return np.array(path)
