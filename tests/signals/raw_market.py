"""The recorded files read and priced by other means than the product's, to check its decisions with.

Contracts and indices are read with `csv`, options are priced by vollib, and the volatility of the calibration is typed
anew. Amounts are for a notional of 1,000,000 USD.
"""

from __future__ import annotations

import csv
import datetime as dt
import math
from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from statistics import linear_regression

from scipy.stats import percentileofscore
from vollib.black import black
from vollib.black.greeks.analytical import delta as black_delta

NOTIONAL = 1_000_000.0
SEED, LADDER = "alvh-seed", "alvh-442"
DAY = dt.timedelta(days=1)

GRID = sorted(
    {10 + 0.5 * i for i in range(20)}
    | {20.0 + i for i in range(20)}
    | {40 + 2.5 * i for i in range(4)}
    | {50.0 + 5 * i for i in range(10)}
    | {100.0 + 10 * i for i in range(11)}
)


def american(day: str) -> dt.date:
    month, number, year = (int(part) for part in day.split("/"))
    return dt.date(year, month, number)


class Raw:
    """The recorded files, each read as it is asked for."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._contracts: dict[dt.date, dict[dt.date, float]] = {}

    def _rows(self, path: str) -> list[dict[str, str]]:
        with (self.directory / path).open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def _closes(self, path: str, column: str) -> dict[dt.date, float]:
        return {american(row["DATE"]): float(row[column]) for row in self._rows(path) if row[column]}

    @cached_property
    def vix(self) -> dict[dt.date, float]:
        return self._closes("cboe/index/VIX_History.csv", "CLOSE")

    @cached_property
    def vvix(self) -> dict[dt.date, float]:
        return self._closes("cboe/index/VVIX_History.csv", "VVIX")

    @cached_property
    def spx(self) -> dict[dt.date, float]:
        return self._closes("cboe/index/SPX_History.csv", "SPX")

    @cached_property
    def total_return(self) -> dict[dt.date, float]:
        return {dt.date.fromisoformat(row["Date"]): float(row["Close"]) for row in self._rows("yahoo/SP500TR.csv")}

    @cached_property
    def fund(self) -> dict[dt.date, float]:
        return {dt.date.fromisoformat(row["Date"]): float(row["Adj Close"]) for row in self._rows("yahoo/SPY.csv")}

    @cached_property
    def bills(self) -> dict[dt.date, float]:
        rows = self._rows("fred/DTB3.csv")
        return {dt.date.fromisoformat(row["observation_date"]): float(row["DTB3"]) for row in rows if row["DTB3"]}

    @cached_property
    def monthlies(self) -> list[dt.date]:
        return [dt.date.fromisoformat(row["expiry"]) for row in self._rows("calendar/vx_expiries.csv")]

    @cached_property
    def _sessions(self) -> list[dt.date]:
        return sorted(self.spx)

    def sessions_until(self, day: dt.date, count: int) -> list[dt.date]:
        days = self._sessions
        return days[: bisect_right(days, day)][-count:]

    def session_after(self, day: dt.date) -> dt.date:
        return min(each for each in self.spx if each > day)

    def settlement(self, expiry: dt.date, day: dt.date) -> float:
        return self.settled(expiry, day) or math.nan

    def settled(self, expiry: dt.date, day: dt.date) -> float:
        """The settlement; 0 where there is none."""
        if expiry not in self._contracts:
            path = f"cboe/futures/VX/VX_{expiry}.csv"
            rows = self._rows(path) if (self.directory / path).exists() else []
            self._contracts[expiry] = {dt.date.fromisoformat(row["Trade Date"]): float(row["Settle"]) for row in rows}
        return self._contracts[expiry].get(day, 0.0)

    def bill(self, day: dt.date) -> float:
        """Continuously compounded, from the first bill discount of the week; on a Monday without, of the one before."""
        last = next(day - back * DAY for back in range(8) if day - back * DAY in self.bills)
        monday = last - last.weekday() * DAY
        first = next(monday + ahead * DAY for ahead in range(5) if monday + ahead * DAY in self.bills)
        return -math.log(1 - self.bills[first] / 100 * 91 / 360) * 365 / 91

    def rate(self, day: dt.date) -> float:
        """What a close knows: the rate of the session before."""
        return self.bill(self.sessions_until(day, 2)[0])

    def listed(self, day: dt.date, *, weeklies: bool) -> list[dt.date]:
        """Eight monthlies, not beyond the last future that settled; where weeklies count, Wednesdays of six weeks too.

        A Wednesday is a Tuesday where it, or the Friday 30 days after it, is a holiday.
        """
        months = [each for each in self.monthlies if each > day][:8]
        last = max(each for each in self.monthlies if each > day and self.settled(each, day))
        months = [each for each in months if each <= last]
        if not weeklies:
            return months
        first = day + ((2 - day.weekday() - 1) % 7 + 1) * DAY
        weeks = [first + 7 * week * DAY for week in range(6)]
        open_days = (each if {each, each + 30 * DAY} <= self.spx.keys() else each - DAY for each in weeks)
        return sorted({*months, *open_days})

    def forward(self, day: dt.date, expiry: dt.date) -> float:
        """The settlement; without one, on the line between the settlements around it, where spot is at zero days."""
        settled = [each for each in self.monthlies if each > day and self.settled(each, day)]
        if expiry in settled:
            return self.settlement(expiry, day)
        upper = min(each for each in settled if each > expiry)
        below = [each for each in settled if each < expiry]
        start, below = (below[-1], self.settlement(below[-1], day)) if below else (day, self.vix[day])
        share = (expiry - start).days / (upper - start).days
        return below + share * (self.settlement(upper, day) - below)

    def volatility(self, day: dt.date, expiry: dt.date, strike: float) -> float:
        days = (expiry - day).days
        vol_of_vol = self.vvix[day] if days <= 30 else 90 * (self.vvix[day] / 90) ** math.sqrt(30 / days)
        middle = 0.87 * vol_of_vol / 100 * (30 / max(days, 5)) ** 0.142
        far = math.log(strike / self.forward(day, expiry)) / (middle * math.sqrt(max(days, 5) / 365))
        return middle * max(1 + 0.339 * min(max(far, -2), 8), 0.4)

    def call(self, day: dt.date, expiry: dt.date, strike: float) -> float:
        years, sigma = (expiry - day).days / 365, self.volatility(day, expiry, strike)
        return float(black("c", self.forward(day, expiry), strike, years, self.rate(day), sigma))

    def delta(self, day: dt.date, expiry: dt.date, strike: float) -> float:
        years, sigma = (expiry - day).days / 365, self.volatility(day, expiry, strike)
        return float(black_delta("c", self.forward(day, expiry), strike, years, self.rate(day), sigma))

    def strike_of_delta(self, day: dt.date, expiry: dt.date, wanted: float) -> float:
        near = [strike for strike in GRID if strike <= 8 * self.forward(day, expiry)]
        return min(near, key=lambda strike: (abs(self.delta(day, expiry, strike) - wanted), strike))

    def prices(self, day: dt.date, expiry: dt.date, strikes: Sequence[float]) -> tuple[float, float, float]:
        """Mark of a package, what a buyer pays and what a seller gets: 6% on each strike, at least 0.02."""
        ratios = {1: (1,), 2: (1, -1), 3: (1, -2, 1)}[len(strikes)]
        calls = [self.call(day, expiry, strike) for strike in strikes]
        mark = sum(ratio * call for ratio, call in zip(ratios, calls, strict=True))
        away = sum(abs(ratio) * max(0.06 * call, 0.02) for ratio, call in zip(ratios, calls, strict=True))
        return mark, mark + away, max(mark - away, 0.0)

    def carry_percentile(self, day: dt.date) -> float:
        found = []
        for each in self.sessions_until(day, 252):
            first, second = [expiry for expiry in self.monthlies if expiry > each][:2]
            ratio = self.settlement(second, each) / self.settlement(first, each)
            found.append(math.log(ratio) * 365 / (second - first).days)
        return float(percentileofscore(found, found[-1], kind="mean"))

    def variance_premium(self, day: dt.date) -> float:
        closes = [self.spx[each] for each in self.sessions_until(day, 23)]
        squares = [math.log(after / before) ** 2 for before, after in pairwise(closes)]
        return self.vix[day] - 100 * math.sqrt(252 / 22 * sum(squares))

    def short_term_return(self, before: dt.date, day: dt.date) -> float:
        """Of the index of the first two futures, over one session: that much of the first as the roll has left."""
        last = max(each for each in self.monthlies if each <= day)
        first, second = [each for each in self.monthlies if each > day][:2]
        period = [each for each in self.sessions_until(first, 40) if last <= each < first]
        left = sum(each >= day for each in period) / len(period)
        then, now = (
            left * self.settlement(first, each) + (1 - left) * self.settlement(second, each) for each in (before, day)
        )
        return now / then - 1

    def capm_premium(self, day: dt.date) -> float:
        """What 252 sessions of those futures cost a year beyond their beta to the S&P 500 over the bill."""
        moves = list(pairwise(self.sessions_until(day, 253)))
        # The recorded total return index ends on 2020-12-18; from then on that of a fund stands in.
        levels = [(self.total_return if {*move} <= self.total_return.keys() else self.fund) for move in moves]
        excess = [
            level[after] / level[before] - math.exp(self.bill(before) * (after - before).days / 365)
            for level, (before, after) in zip(levels, moves, strict=True)
        ]
        return -252 * linear_regression(excess, [self.short_term_return(*move) for move in moves]).intercept

    def collapsed(self, day: dt.date) -> bool:
        """Whether implied volatility paid nothing on five sessions, or the futures earned 0.85 a year."""
        week = [self.variance_premium(each) for each in self.sessions_until(day, 5)]
        return max(week) < 0 or self.capm_premium(day) <= -0.85


#: Days to expiry (at least, nearest to, at most), strikes and premium of each layer, as the methodology has them.
SEED_RULES = {
    "l1": ((1, 7, 7), True, lambda raw, day, expiry: butterfly(raw.forward(day, expiry))),
    "l2": ((30, 45, 60), False, lambda raw, day, expiry: [raw.strike_of_delta(day, expiry, x) for x in (0.40, 0.15)]),
    "l3": ((180, 210, None), False, lambda raw, day, expiry: [raw.strike_of_delta(day, expiry, 0.30)]),
}
LADDER_RULES = {
    "l1": ((20, 30, 40), True, lambda raw, day, expiry: [raw.strike_of_delta(day, expiry, 0.50)]),
    "l2": ((80, 110, 150), False, lambda raw, day, expiry: [raw.strike_of_delta(day, expiry, 0.50)]),
    "l3": ((190, 220, 250), False, lambda raw, day, expiry: [raw.strike_of_delta(day, expiry, 0.50)]),
}
RULES = {SEED: SEED_RULES, LADDER: LADDER_RULES}


def nearest(price: float) -> float:
    return min(GRID, key=lambda strike: (abs(strike - price), strike))


def butterfly(future: float) -> list[float]:
    """Nearest to 1.10, 1.35 and 1.60 times the future; of those not outside them, the widest that never owes."""
    lower, middle, upper = (nearest(times * future) for times in (1.1, 1.35, 1.6))
    # Above all strikes a butterfly pays twice the middle less the others.
    wings = [(low, high) for low in GRID for high in GRID if low <= lower and middle < high <= upper]
    low, high = max((low, high) for low, high in wings if 2 * middle - low - high >= 0)
    return [low, middle, high]


def chosen(raw: Raw, rule_set: str, layer: str, day: dt.date) -> tuple[dt.date, list[float]]:
    """Expiry and strikes a layer buys when it decides at the close of a day."""
    (shortest, target, longest), weeklies, strikes = RULES[rule_set][layer]
    filled = raw.session_after(day)
    listed = [each for each in raw.listed(day, weeklies=weeklies) if each > filled]
    inside = [each for each in listed if shortest <= (each - day).days <= (longest or 999)] or listed
    expiry = min(inside, key=lambda each: (abs((each - day).days - target), each))
    return expiry, strikes(raw, day, expiry)


def ladder_share(raw: Raw, layer: str, day: dt.date) -> float:
    """Share of 1% that a layer of the ladder gets: 4, 4 and 2 contracts at the prices of the day."""
    costs = {}
    for each, contracts in (("l1", 4), ("l2", 4), ("l3", 2)):
        expiry, strikes = chosen(raw, LADDER, each, day)
        costs[each] = contracts * raw.prices(day, expiry, strikes)[1]
    return costs[layer] / sum(costs.values())
