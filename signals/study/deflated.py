"""Whether the best of some variants is more than the luck of having tried so many.

Sources: D. H. Bailey and M. Lopez de Prado, "The deflated Sharpe ratio: correcting for selection bias, backtest
overfitting and non-normality", Journal of Portfolio Management 40 (2014) 94-107; the probabilistic Sharpe ratio: the
same, "The Sharpe ratio efficient frontier", Journal of Risk 15 (2012) 3-44; returns at the same volatility:
F. Modigliani and L. Modigliani, "Risk-adjusted performance", Journal of Portfolio Management 23 (1997) 45-54.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from statistics import NormalDist

import numpy as np

from signals.study.bootstrap import NO_VOLATILITY, SHORTEST_RANGE
from signals.study.result import DeflatedSharpe
from signals.study.sensitivity import Trials
from signals.study.tracks import Tracks
from signals.study.words import number, percent
from signals.veqtor.indicators import SESSIONS_PER_YEAR
from signals.vix_futures import Floats

#: Euler's and Mascheroni's constant.
EULER_MASCHERONI = 0.5772156649015329

#: What was tried of VEQTOR.
SETTINGS = "VEQTOR settings"

_NORMAL = NormalDist()


def expected_maximum(variance: float, trials: int) -> float:
    """The highest Sharpe ratio to be expected of some trials without skill.

        sqrt(V) ((1 - g) Z(1 - 1/N) + g Z(1 - 1/(N e))),  Z the normal quantile, g Euler's and Mascheroni's constant

    Parameters
    ----------
    variance : float
        Of the Sharpe ratios of the trials; the answer is in their unit.
    trials : int
        1 or more. A single one was not selected: 0.
    """
    if trials == 1:
        return 0.0
    high, higher = _NORMAL.inv_cdf(1.0 - 1.0 / trials), _NORMAL.inv_cdf(1.0 - 1.0 / (trials * math.e))
    return math.sqrt(variance) * ((1.0 - EULER_MASCHERONI) * high + EULER_MASCHERONI * higher)


def probabilistic_sharpe(sharpe: float, hurdle: float, count: int, skewness: float, kurtosis: float) -> float:
    """Probability that the true Sharpe ratio is above a hurdle.

    Parameters
    ----------
    sharpe, hurdle : float
        For one return, not a year.
    count : int
        Returns it was measured on.
    skewness, kurtosis : float
        Of the returns; a normal one has 0 and 3.
    """
    spread = math.sqrt(1.0 - skewness * sharpe + (kurtosis - 1.0) / 4.0 * sharpe**2)
    if spread == 0.0:
        return float(sharpe > hurdle)
    return _NORMAL.cdf((sharpe - hurdle) * math.sqrt(count - 1) / spread)


def deflated_sharpe(question: str, returns: Mapping[str, Floats], confidence: float) -> DeflatedSharpe | None:
    """The best of some variants, and how likely it is more than luck.

    Parameters
    ----------
    question : str
    returns : dict of str to float, shape (n,)
        Daily returns over what the variants are compared with, of the same sessions.
    confidence : float
        Probability from which on it is called more than luck.

    Returns
    -------
    DeflatedSharpe, optional
        None where no variant ever differed from what it is compared with, or the sessions are less than
        `SHORTEST_RANGE`.
    """
    sharpes = {
        name: float(values.mean() / values.std(ddof=1))
        for name, values in returns.items()
        if values.std() > NO_VOLATILITY
    }
    if not sharpes or len(next(iter(returns.values()))) < SHORTEST_RANGE:
        return None
    best = max(sharpes, key=lambda name: sharpes[name])
    sharpe, values = sharpes[best], returns[best]
    trials = len(sharpes)
    variance = float(np.var(list(sharpes.values()), ddof=1)) if trials > 1 else 0.0
    hurdle = expected_maximum(variance, trials)
    standard = (values - values.mean()) / values.std()
    probability = probabilistic_sharpe(
        sharpe, hurdle, len(values), float(np.mean(standard**3)), float(np.mean(standard**4))
    )
    year = math.sqrt(SESSIONS_PER_YEAR)
    return DeflatedSharpe(
        question=question,
        best=best,
        sharpe=sharpe * year,
        expected_maximum=hurdle * year,
        trials=trials,
        probability=probability,
        sentence=_sentence(best, sharpe * year, hurdle * year, trials, probability, confidence),
    )


def deflated_sharpes(
    trials: Trials, tracks: Tracks, first: int, last: int, confidence: float = 0.95
) -> tuple[DeflatedSharpe, ...]:
    """Three questions on the settings of VEQTOR that were tried, and two of them on the hedges.

    Whether they earn more than cash is not asked of hedges that stand beside the whole of the S&P 500: the answer would
    be that of the S&P 500.

    Parameters
    ----------
    first, last : int
        Rows of the tracks, which those of the trials are too: of the session before the first return, and of the last.
    """
    families = []
    if "sp500" in tracks:
        families = [(SETTINGS, trials.returns, first), *_hedges(tracks, first, last)]
    found = []
    for what, returns, start in families:
        rows = slice(start + 1, last + 1)
        complete = {name: values[rows] for name, values in returns.items() if np.isfinite(values[rows]).all()}
        equity, cash = tracks["sp500"].returns[rows], tracks.cash[rows]
        if complete and np.isfinite(equity).all() and len(equity) > 1:
            asked = list(_questions(what, complete, equity, cash))
            asked = asked if what == SETTINGS else asked[:-1]
            found += [deflated_sharpe(*each, confidence) for each in asked]
    return tuple(each for each in found if each is not None)


def _hedges(tracks: Tracks, first: int, last: int) -> Iterator[tuple[str, dict[str, Floats], int]]:
    hedged = [track for track in tracks if track.name.startswith("sp500+") and track.first < last]
    if hedged:
        start = max(first, *(track.first for track in hedged))
        yield "hedges of the S&P 500", {track.label: track.returns for track in hedged}, start


def _questions(
    what: str, returns: Mapping[str, Floats], equity: Floats, cash: Floats
) -> Iterator[tuple[str, dict[str, Floats]]]:
    best = f"the best of {len(returns)} {what}" if len(returns) > 1 else next(iter(returns))
    yield f"Does {best} earn more than the S&P 500?", {name: own - equity for name, own in returns.items()}
    over = equity - cash
    yield (
        f"Does {best} earn more than the S&P 500 at the same volatility?",
        {
            name: (own - cash) * (over.std() / (own - cash).std()) - over
            for name, own in returns.items()
            if (own - cash).std() > NO_VOLATILITY
        },
    )
    yield (
        f"Does {best} earn more than cash, as the S&P 500 itself did?",
        {name: own - cash for name, own in returns.items()},
    )


def _sentence(best: str, sharpe: float, hurdle: float, trials: int, probability: float, confidence: float) -> str:
    if sharpe <= 0.0:
        return f"No: even the best, {best}, has a ratio of {number(sharpe)} a year."
    luck = f"the luckiest of {trials} without skill would show {number(hurdle)}"
    if trials == 1:
        luck = "it is the only one, so that nothing was selected"
    found = f"The best, {best}, has a ratio of {number(sharpe)} a year; {luck}."
    chance = f"The probability that it is more than luck is {percent(probability, 0)}"
    if probability >= confidence:
        return f"{found} {chance}."
    return f"{found} {chance}: the data cannot tell it from luck."
