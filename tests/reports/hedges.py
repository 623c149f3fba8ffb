"""Signals of hedges, built by hand: two rule sets that share their indicators, and one without a signal.

The numbers hang together where a test looks at them, and mean nothing.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from signals.alvh.report import (
    HOLD,
    MODEL,
    MONETISE,
    NONE,
    OBSERVED,
    OPEN,
    ROLL,
    BudgetUse,
    Fill,
    HedgeSignal,
    LayerTarget,
    Ledger,
    Leg,
    Package,
    Reading,
    Stress,
)

SESSION = dt.date(2006, 4, 3)
NOTIONAL = 1_000_000.0

_SCENARIOS = (
    ("VIX +5", 16.4), ("VIX +10", 21.4), ("VIX +20", 31.4), ("S&P 500 -5%", 17.9), ("S&P 500 -10%", 25.2),
)  # fmt: skip

_READINGS = (
    ("vix_rsi", "VIX RSI(14)", "points", 61.25, 58.5, 72.0, 60.0, -1.25, "on"),
    ("breadth_macd", "Breadth MACD below its signal", "issues", None, None, None, 0.0, None, "unavailable"),
    ("curve_inversion", "VIX / VIX3M", "ratio", 0.8812, 0.8734, 41.3, 1.0, 0.1188, "off"),
    ("reer_shift", "Dollar, z-score of its 3-month change", "z", 0.31, 0.31, 55.0, 1.0, 0.69, "off"),
    ("liquidity_quick_ratio", "Liquidity, quarter over week", "ratio", 0.93, 0.95, 40.1, 0.5, 0.43, "off"),
    ("event_risk", "Announcement within 2 sessions", "", None, None, None, None, None, "on"),
    ("carry", "Carry of VX2 over VX1", "a year", 0.62, 0.6, 18.0, 25.0, 7.0, "cheap"),
    ("variance_premium", "VIX less realised volatility", "points", 3.4, 3.1, 51.0, 0.0, 3.4, "shown"),
    ("capm_premium", "Cost beyond beta", "a year", 0.41, 0.4, 66.6, 0.0, 0.41, "shown"),
    ("vvix", "VVIX", "points", 81.2, 80.9, 35.0, None, None, "shown"),
)  # fmt: skip


def readings() -> tuple[Reading, ...]:
    """Indicators in each state."""
    return tuple(
        Reading(
            name=name,
            label=label,
            unit=unit,
            value=value,
            previous=previous,
            percentile=percentile,
            threshold=threshold,
            distance=distance,
            state=state,
            source="" if state == "unavailable" else "cboe",
            observed_on=None if value is None else SESSION,
            remark="the recorded data end before" if state == "unavailable" else "",
        )
        for name, label, unit, value, previous, percentile, threshold, distance, state in _READINGS
    )


def macro() -> tuple[Reading, ...]:
    """A panel with one value and one gap."""
    growth = Reading(
        "gdp", "GDP growth", "%", 2.1, 2.4, 44.0, None, None, "shown", "fred", dt.date(2006, 1, 1), "latest vintage"
    )
    return growth, Reading("pe", "P/E of equities", "", None, None, None, None, None, "unavailable", "", None, "")


def package(
    instrument: str,
    expiry: dt.date,
    strikes: tuple[float, ...],
    contracts: float,
    *,
    price: float = 1.25,
    basis: str = MODEL,
) -> Package:
    """A package of calls with these strikes: bought, sold, or bought, sold twice and bought."""
    ratios = {1: (1,), 2: (1, -1), 3: (1, -2, 1)}[len(strikes)]
    legs = tuple(
        Leg("VIX call", strike, ratio, price, basis, 0.81) for strike, ratio in zip(strikes, ratios, strict=True)
    )
    return Package(
        instrument=instrument,
        expiry=expiry,
        days=(expiry - SESSION).days,
        forward=13.4,
        forward_basis="settled",
        legs=legs,
        contracts=contracts,
        contracts_rounded=round(contracts),
        price=price,
        basis=basis,
        value_usd=contracts * price * 100.0,
        delta_usd=contracts * 38.5,
        gamma_usd=contracts * 4.25,
        vega_usd=contracts * 1.75,
        theta_usd=contracts * -2.5,
    )


def layer(name: str, label: str, action: str, held: Package | None, target: Package | None) -> LayerTarget:
    """A layer with a reason of its own."""
    return LayerTarget(
        layer=name,
        label=label,
        action=action,
        reason=f"{label}: {action.lower()} because of the days to expiry.",
        state="ACTIVE",
        multiplier=1.0,
        size=0.008,
        held=held,
        target=target,
        fills=(),
        opened=None if held is None else dt.date(2006, 3, 31),
        cost_usd=None if held is None else 7_900.5,
        position_pnl_usd=None if held is None else -312.25,
        pnl_usd=-1_204.75,
        next_roll=None if target is None else target.expiry - dt.timedelta(days=21),
        next_roll_is_expiry=False,
    )


def seed() -> HedgeSignal:
    """Three layers: one opens below a whole contract, one rolls, one sells a part."""
    opens = package("butterfly", dt.date(2006, 4, 12), (14.5, 18.0, 21.0), 0.38, price=0.13)
    short = package("call-spread", dt.date(2006, 4, 19), (14.0, 20.0), 61.25)
    later = package("call-spread", dt.date(2006, 5, 17), (15.0, 22.5), 58.75, price=1.31)
    anchor = package("call", dt.date(2006, 11, 15), (17.0,), 40.0, basis=OBSERVED)
    first = layer("l1", "short-term engine", OPEN, None, opens)
    rest = replace(anchor, contracts=30.0, contracts_rounded=30, value_usd=3_750.0)
    last = layer("l3", "long-term anchor", MONETISE, anchor, rest)
    fill = Fill("SELL", "call", anchor.expiry, (17.0,), 2.5, 2.75, MODEL, -646.25)
    return HedgeSignal(
        rule_set="alvh-seed",
        version=1,
        rule_set_digest="5eed00000001",
        description="Weekly, medium and long layers",
        notional_usd=NOTIONAL,
        inception=dt.date(2006, 3, 31),
        verdict="Open l1, roll l2 and sell a quarter of l3 at the close of 2006-04-04 (ACTIVE).",
        changes=("State GUARDED -> ACTIVE: vix_rsi is on.",),
        state="ACTIVE",
        score=2.25,
        scale=4.0,
        state_reason="ACTIVE: vix_rsi is on, breadth_macd is unavailable.",
        remarks=("Carry is cheap: layer 2 is a quarter larger.",),
        layers=(
            replace(first, warnings=("Too small for one contract: 0.38 of one.",)),
            layer("l2", "medium-term buffer", ROLL, short, later),
            replace(last, fills=(fill,)),
        ),
        budget=BudgetUse(0.0123, 0.02, 0.035, 2, 252, "within"),
        ledger=Ledger(7_900.5, 646.25, -9_100.0, 7_895.25, -1_204.75, None, 0),
        stress=tuple(
            Stress(name, vix, 1_000.0 * vix, {"l1": 10.0 * vix, "l2": 600.0 * vix, "l3": None})
            for name, vix in _SCENARIOS
        ),
        break_even=4.5,
        indicators=readings(),
        doubts=("No breadth file: breadth_macd is unavailable.",),
    )


def ladder() -> HedgeSignal:
    """A rule set that holds, on the indicators of the one before it."""
    calls = {"30d": (dt.date(2006, 5, 17), 12.5), "110d": (dt.date(2006, 8, 16), 13.0)}
    layers = []
    for name, (expiry, strike) in calls.items():
        held = package("call", expiry, (strike,), 44.0)
        layers.append(layer(name, f"{name} calls", HOLD, held, held))
    return HedgeSignal(
        rule_set="alvh-442",
        version=1,
        rule_set_digest="442000000001",
        description="Ladder of calls",
        notional_usd=NOTIONAL,
        inception=dt.date(2006, 3, 31),
        verdict="Hold everything.",
        state="DORMANT",
        score=0.5,
        scale=4.0,
        state_reason="DORMANT: nothing is on.",
        layers=(*layers, layer("220d", "220d calls", NONE, None, None)),
        budget=BudgetUse(-0.004, 0.02, None, 300, 252, "within"),
        ledger=Ledger(0.0, 0.0, 100.0, 3_900.0, 4_000.0, -0.004, 3),
        stress=tuple(Stress(name, vix, 500.0 * vix, {"30d": 500.0 * vix, "110d": 0.0}) for name, vix in _SCENARIOS),
        break_even=0.0,
        indicators_of="alvh-seed",
        sizes_by_state=False,
    )


def gone(rule_set: str = "my-own", reason: str = "hedge targets start 2006-03-31") -> HedgeSignal:
    """A hedge without a signal."""
    return HedgeSignal(rule_set, 1, "900e00000001", "Mine", NOTIONAL, unavailable=reason)


def hedges() -> tuple[HedgeSignal, ...]:
    """One of each."""
    return seed(), ladder(), gone()
