"""A small made-up market, written as files in the shapes of the public sources.

It covers 2004-01-02 to 2006-06-30, so that the strategy has half a year of levels, and every month's VX contract is
listed. Its numbers are drawn from a seeded generator and mean nothing.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np

from signals.calendar import MONTH_CODES, trading_calendar

FIRST, LAST = dt.date(2004, 1, 2), dt.date(2006, 6, 30)
SESSIONS: list[dt.date] = trading_calendar().sessions_in(FIRST, LAST).tolist()

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_VX_HEADER = "Trade Date,Futures,Open,High,Low,Close,Settle,Change,Total Volume,EFP,Open Interest"
_YAHOO_HEADER = "Date,Open,High,Low,Close,Adj Close,Volume"


def write_market(directory: Path, through: dt.date = LAST) -> Path:
    """Write the files of the made-up market up to a day, and return the directory."""
    random = np.random.default_rng(20051220)
    count = len(SESSIONS)
    log_volatility = np.zeros(count)
    for row, shock in enumerate(random.normal(0, 0.12, count - 1)):
        log_volatility[row + 1] = 0.95 * log_volatility[row] + shock
    volatility = 0.010 * np.exp(log_volatility)
    returns = random.normal(0.0003, 1.0, count) * volatility
    spx = 1100 * np.exp(np.cumsum(returns))
    dividends = np.cumprod(np.full(count, 1 + 0.018 / 252))
    vix = (volatility * np.sqrt(252) * 100 * 1.15).clip(9, 80).round(2)
    rows = [row for row, day in enumerate(SESSIONS) if day <= through]

    def yahoo(name: str, close: np.ndarray, adjusted: np.ndarray) -> None:
        lines = [f"{SESSIONS[row]},,,,{close[row]:.6f},{adjusted[row]:.6f}," for row in rows]
        write(directory / "yahoo" / f"{name}.csv", [_YAHOO_HEADER, *lines])

    yahoo("GSPC", spx, spx)
    yahoo("SP500TR", spx * 1.4 * dividends, spx * 1.4 * dividends)
    yahoo("SPY", spx / 10, spx / 13 * dividends)
    yahoo("VIX", vix, vix)
    yahoo("IRX", np.full(count, 3.05), np.full(count, 3.05))
    slashed = [f"{SESSIONS[row]:%m/%d/%Y}" for row in rows]
    cboe_spx = [f"{day},{spx[row]:.6f}" for day, row in zip(slashed, rows, strict=True)]
    write(directory / "cboe/index/SPX_History.csv", ["DATE,SPX", *cboe_spx])
    cboe_vix = [f"{day},{v:.6f},{v:.6f},{v:.6f},{v:.6f}" for day, v in zip(slashed, vix[rows], strict=True)]
    write(directory / "cboe/index/VIX_History.csv", ["DATE,OPEN,HIGH,LOW,CLOSE", *cboe_vix])
    write(directory / "fred/DTB3.csv", ["observation_date,DTB3", *(f"{SESSIONS[row]},3.10" for row in rows)])
    all_days = (SESSIONS[rows[-1]] - FIRST).days + 1
    days = [FIRST + dt.timedelta(days=offset) for offset in range(all_days)]
    write(directory / "fred/DFF.csv", ["observation_date,DFF", *(f"{day},4.20" for day in days)])
    _write_contracts(directory, vix, rows)
    return directory


def mend_close(directory: Path, session: dt.date, by: float) -> None:
    """Have a publisher change its close of the S&P 500 of a session."""
    path = directory / "yahoo" / "GSPC.csv"
    (line,) = [line for line in path.read_text().splitlines() if line.startswith(f"{session},")]
    value = float(line.split(",")[4]) + by
    path.write_text(path.read_text().replace(line, f"{session},,,,{value:.6f},{value:.6f},"))


def _write_contracts(directory: Path, vix: np.ndarray, rows: list[int]) -> None:
    for expiry in trading_calendar().vx_expiries.tolist():
        if not dt.date(2005, 1, 1) < expiry < dt.date(2007, 6, 1):
            continue
        letter = MONTH_CODES[expiry.month - 1]
        label = f"{letter} ({_MONTHS[expiry.month - 1]} {expiry:%y})"
        lines = []
        for row in rows:
            days = (expiry - SESSIONS[row]).days
            if 0 <= days <= 300:
                # Ten times the index, as quoted before 2007-03-26, and in contango towards 18.
                settle = 10 * (vix[row] + (18 - vix[row]) * (1 - np.exp(-days / 120)))
                lines.append(f"{SESSIONS[row]:%m/%d/%Y},{label},0,0,0,0,{settle:.2f},0,0,0,0")
        write(directory / f"cboe/futures/archive/CFE_{letter}{expiry:%y}_VX.csv", [_VX_HEADER, *lines])


def write(path: Path, lines: list[str]) -> None:
    """Write the lines of a file, if it has any below its header."""
    if len(lines) < 2:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
