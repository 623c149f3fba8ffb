"""What followed earlier sessions that were in the state of a report: its past calls. Standard library only.

A state is the realised-volatility regime, the trend and the stop-loss test at a close. The signal of a close is held
from the close of its effective session, the next one: there every horizon begins, as no reader can hold it before.
A horizon counts where the report's session is at or after its end, so what followed is what was known then.

Returns and shares are decimals, horizons sessions.

Sessions of a state come in runs, and horizons overlap, so they are far fewer than their number suggests. The interval
takes runs whose horizons overlap together as one stretch, and stretches as independent. It is the mean of sessions
with the delete-one-stretch jackknife error, and Student's quantile for the stretches that there are in effect,
(sum n)^2 / sum n^2, less one: both hold for few stretches of unequal length, where a normal interval is too narrow.
J. G. MacKinnon, M. O. Nielsen and M. D. Webb, "Cluster-robust inference: a guide to empirical practice", Journal of
Econometrics 232 (2023), sections 3.1 (the jackknife is CV3) and 7; A. V. Carter, K. T. Schnepel and D. G. Steigerwald,
"Asymptotic behavior of a t-test robust to cluster heterogeneity", Review of Economics and Statistics 99 (2017).
"""

from __future__ import annotations

import datetime as dt
import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

from reports.tables import NOTHING, Section, Table, signed
from reports.words import listed
from signals.zones import NEW_YORK

if TYPE_CHECKING:
    from storage.figures import SessionFigures

#: What followed is told for so many sessions.
HORIZONS = (1, 5, 22)

#: With fewer stretches there is no interval: the error itself would be a guess.
FEWEST_STRETCHES = 10

#: Probability with which the interval covers the mean.
CONFIDENCE = 0.95

#: What sessions have in common: all of the state, or one half of it where the whole is rare.
STATE, REGIME, TREND = "state", "regime", "trend"

#: When a session closes; an early close is no later.
_CLOSE = dt.time(16, tzinfo=NEW_YORK)

#: A level is off its components by no more than what cash earned; further, it is on another scale.
_MOST_CASH_EARNS = 0.01

#: With fewer degrees of freedom, the few longest stretches would decide alone.
_FEWEST_DEGREES = 3.0


@dataclass(frozen=True)
class Outcome:
    """What followed sessions that have something in common with the report's, over one horizon.

    Attributes
    ----------
    like : str
        What they have in common: STATE, REGIME or TREND.
    horizon : int
        Sessions from the effective close.
    sessions, runs, stretches : int
        How many; of how many consecutive runs; and of how many stretches, runs whose horizons overlap taken together.
    left_out : int
        Sessions whose horizon has ended, but which lack a level at its ends, or a report inside it.
    veqtor, sp500, difference, vix_short : float, optional
        Mean total returns of VEQTOR, of the S&P 500, of the first less the second, and of the short-term VIX futures
        index; None where there is no session.
    ahead : float, optional
        Share of the sessions after which VEQTOR had gained more than the S&P 500.
    interval : tuple of float, optional
        Of the mean difference, at CONFIDENCE; None where there are too few stretches.
    """

    like: str
    horizon: int
    sessions: int
    runs: int
    stretches: int
    left_out: int
    veqtor: float | None
    sp500: float | None
    difference: float | None
    vix_short: float | None
    ahead: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class PastCalls:
    """What followed the state a report is in.

    Attributes
    ----------
    regime, trend, stop_loss : str, str, bool, optional
        The state; None where the history does not have the session.
    outcomes : tuple of Outcome
        Of the state by horizon, then, where one of those has no interval, of the regime and of the trend alone.
    computed_later : int
        How many sessions of the state had a report only after their effective session: nobody could have held those.
    """

    session: dt.date
    regime: str | None
    trend: str | None
    stop_loss: bool | None
    outcomes: tuple[Outcome, ...] = ()
    computed_later: int = 0

    @property
    def few(self) -> bool:
        """Whether the state is too rare for an interval over some horizon."""
        return any(each.interval is None for each in self.outcomes if each.like == STATE)


def past_calls(history: Sequence[SessionFigures], session: dt.date) -> PastCalls:
    """What followed earlier sessions that were in the state of a session.

    Parameters
    ----------
    history : sequence of SessionFigures
        By session, one each, as known when the report was emitted. Those after `session` are not looked at.
    session : datetime.date
        Of the report.
    """
    rows = history[: bisect_right(history, session, key=lambda each: each.session)]
    if not rows or rows[-1].session != session:
        return PastCalls(session, None, None, None)
    now, ends = rows[-1], _ends(rows)
    regime = [row for row, each in enumerate(rows) if each.regime == now.regime]
    trend = [row for row, each in enumerate(rows) if each.trend == now.trend]
    state = [row for row in regime if rows[row].trend == now.trend and rows[row].stop_loss == now.stop_loss]
    outcomes = [_outcome(STATE, rows, state, horizon, ends) for horizon in HORIZONS]
    if any(each.interval is None for each in outcomes):
        outcomes += [_outcome(REGIME, rows, regime, horizon, ends) for horizon in HORIZONS]
        outcomes += [_outcome(TREND, rows, trend, horizon, ends) for horizon in HORIZONS]
    told = [row for row in state if row + 1 + HORIZONS[0] < len(rows)]
    later = sum(rows[row].emitted_at > dt.datetime.combine(rows[row].effective_session, _CLOSE) for row in told)
    return PastCalls(session, now.regime, now.trend, now.stop_loss, tuple(outcomes), later)


def _ends(rows: Sequence[SessionFigures]) -> list[int]:
    """For every row, the last one up to which no session is missing and levels are on one scale."""
    ends = [len(rows) - 1] * len(rows)
    for row in range(len(rows) - 2, -1, -1):
        ends[row] = ends[row + 1] if _continues(rows[row], rows[row + 1]) else row
    return ends


def _continues(one: SessionFigures, other: SessionFigures) -> bool:
    """Whether the second is the session after the first, with levels on the same scale."""
    if other.session != one.effective_session:
        return False
    # Where a history was lengthened to the front, levels count from another session than those computed before.
    veqtor = _change(one.veqtor_total_return, other.veqtor_total_return)
    sp500 = _change(one.sp500_total_return, other.sp500_total_return)
    vix_short = _change(one.vix_short_total_return, other.vix_short_total_return)
    if veqtor is None or sp500 is None or vix_short is None:
        return True
    components = other.earned_equity * sp500 + other.earned_volatility * vix_short
    return abs(veqtor - components) <= _MOST_CASH_EARNS


def _change(first: float | None, last: float | None) -> float | None:
    return last / first - 1.0 if first and last else None


def _outcome(
    like: str, rows: Sequence[SessionFigures], chosen: Sequence[int], horizon: int, ends: list[int]
) -> Outcome:
    """What followed the chosen rows whose horizon has ended."""
    counted: list[int] = []
    veqtor, sp500, vix_short = [], [], []
    left_out = 0
    for row in chosen:
        first, last = row + 1, row + 1 + horizon
        if last >= len(rows):
            break
        start, end = rows[first], rows[last]
        found = (
            _change(start.veqtor_total_return, end.veqtor_total_return),
            _change(start.sp500_total_return, end.sp500_total_return),
            _change(start.vix_short_total_return, end.vix_short_total_return),
        )
        if ends[row] < last or found[0] is None or found[1] is None or found[2] is None:
            left_out += 1
            continue
        counted.append(row)
        veqtor.append(found[0])
        sp500.append(found[1])
        vix_short.append(found[2])
    differences = [one - other for one, other in zip(veqtor, sp500, strict=True)]
    stretches = _cut(counted, differences, lambda gap: gap > 1 and gap >= horizon)
    return Outcome(
        like=like,
        horizon=horizon,
        sessions=len(counted),
        runs=len(_cut(counted, differences, lambda gap: gap > 1)),
        stretches=len(stretches),
        left_out=left_out,
        veqtor=_mean(veqtor),
        sp500=_mean(sp500),
        difference=_mean(differences),
        vix_short=_mean(vix_short),
        ahead=_mean([float(each > 0.0) for each in differences]),
        interval=mean_interval(stretches),
    )


def _cut(rows: list[int], values: list[float], parts: Callable[[int], bool]) -> list[list[float]]:
    """Values of rows, cut where the gap between two rows parts them."""
    pieces: list[list[float]] = []
    before = None
    for row, value in zip(rows, values, strict=True):
        if before is None or parts(row - before):
            pieces.append([])
        pieces[-1].append(value)
        before = row
    return pieces


def _mean(values: list[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def mean_interval(stretches: Sequence[Sequence[float]]) -> tuple[float, float] | None:
    """An interval for the mean of values that depend on each other within a stretch, and not across.

    Returns
    -------
    tuple of float, or None
        At CONFIDENCE, around the mean of all values; None with fewer than FEWEST_STRETCHES, or where so few of them
        hold so much that they are less than four in effect.
    """
    if len(stretches) < FEWEST_STRETCHES:
        return None
    sums, counts = [math.fsum(each) for each in stretches], [len(each) for each in stretches]
    total, count = math.fsum(sums), sum(counts)
    degrees = count**2 / sum(each**2 for each in counts) - 1.0
    if degrees < _FEWEST_DEGREES:
        return None
    mean = total / count
    left = [(total - part) / (count - size) for part, size in zip(sums, counts, strict=True)]
    variance = (len(left) - 1) / len(left) * math.fsum((each - mean) ** 2 for each in left)
    reach = student_quantile(0.5 + CONFIDENCE / 2.0, degrees) * math.sqrt(variance)
    return mean - reach, mean + reach


def student_quantile(probability: float, degrees: float) -> float:
    """Quantile of Student's t; to 0.5% or better from three degrees of freedom on, which need not be whole.

    M. Abramowitz and I. A. Stegun, "Handbook of Mathematical Functions" (1964), 26.7.5.
    """
    z = NormalDist().inv_cdf(probability)
    terms = (
        (z**3 + z) / 4.0,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96.0,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384.0,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160.0,
    )
    return z + sum(term / degrees**power for power, term in enumerate(terms, start=1))


_HEADER = ("% after", "Seen", "Runs", "VEQTOR", "S&P 500", "Ahead by", "95% interval", "Ahead", "VX")


def past_calls_section(calls: PastCalls) -> Section:
    """What followed, as a section: what it is and what it is not in one sentence, then a row per horizon."""
    told = [each for each in calls.outcomes if each.sessions]
    table = Table(_HEADER, tuple(_row(each) for each in told), frozenset(range(1, len(_HEADER)))) if told else None
    return Section("Past calls", _sentences(calls, told), table, key="past-calls", detail=True)


def _sentences(calls: PastCalls, told: Sequence[Outcome]) -> tuple[str, ...]:
    if calls.regime is None:
        return ("What followed this state is not told: the figures of the report are not among the stored ones.",)
    state = f"volatility {calls.regime}, {calls.trend}, stop-loss {'on' if calls.stop_loss else 'off'}"
    horizons = _counts(HORIZONS)
    by_horizon = [each for each in calls.outcomes if each.like == STATE]
    if not by_horizon[0].sessions:
        said = [f"No horizon of an earlier session in this state ({state}) had ended by {calls.session}."]
    else:
        said = [
            f"What followed this state ({state}) over {horizons} sessions from the effective close, the first at which "
            f"a reader could hold it, where that had ended by {calls.session}. It is a record and no promise: the 95% "
            f"interval of VEQTOR less the S&P 500 {_standing(by_horizon)}.",
            "Means in per cent; Ahead is the share of sessions with VEQTOR ahead, VX the short-term VIX futures index. "
            "Runs whose horizons overlap count as one.",
        ]
        number = by_horizon[0].sessions + by_horizon[0].left_out
        if calls.computed_later:
            many = "All" if calls.computed_later >= number else f"{calls.computed_later:,} of {number:,}"
            said.append(f"{many} were computed only after their effective session, so nobody held them.")
    if calls.few and len(told) > sum(each.like == STATE for each in told):
        said.append("There are too few separate runs of it so far, so its regime alone and its trend alone follow.")
    if any(each.left_out for each in by_horizon):
        left_out = _counts([each.left_out for each in by_horizon])
        said.append(f"Left out, as a level or a report is missing: {left_out} after {horizons} sessions.")
    return tuple(said)


def _standing(outcomes: Sequence[Outcome]) -> str:
    """Where the intervals lie, horizons with the same answer together."""
    places: dict[str, list[int]] = {}
    for each in outcomes:
        places.setdefault(_place(each.interval), []).append(each.horizon)
    told = [f"{place} after {_counts(horizons)}" for place, horizons in places.items()]
    return listed(told)


def _place(interval: tuple[float, float] | None) -> str:
    if interval is None:
        return "has too few separate runs"
    # As printed: a bound that shows as zero is taken for it.
    low, high = (round(each * 100, 2) for each in interval)
    return "lies above zero" if low > 0.0 else "lies below zero" if high < 0.0 else "includes zero"


def _counts(numbers: Sequence[int]) -> str:
    return listed([f"{each:,}" for each in numbers])


def _row(outcome: Outcome) -> tuple[str, ...]:
    interval = "too few"
    if outcome.interval is not None:
        interval = " to ".join(signed(each * 100, 2) for each in outcome.interval)
    return (
        f"{outcome.like} {outcome.horizon}",
        f"{outcome.sessions}",
        f"{outcome.stretches}",
        _per_cent(outcome.veqtor, 2),
        _per_cent(outcome.sp500, 2),
        _per_cent(outcome.difference, 2),
        interval,
        NOTHING if outcome.ahead is None else f"{outcome.ahead * 100:.0f}",
        _per_cent(outcome.vix_short, 1),
    )


def _per_cent(value: float | None, digits: int) -> str:
    return NOTHING if value is None else signed(value * 100, digits)
