"""A rule set of the layered hedge: every parameter that defines one, as data. Standard library only.

What a key means, its unit and its allowed range stand beside it, in its `Key`: the reader checks with them, and
``tailguard rules show`` prints them. A key that may be without a value says so by the string ``"none"``.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal

from signals.alvh.keys import Key, deciding
from signals.document import document_hash

#: Raised whenever the same rule set and the same observations would give another hedge.
METHODOLOGY_VERSION = 1

#: Rule sets that ship, in the order reports show them.
SHIPPED = ("alvh-seed", "alvh-442", "alvh-seed-reactive", "vxth")

CALL, CALL_SPREAD, BUTTERFLY, FUTURE, VXX_CALL = "call", "call-spread", "butterfly", "future", "vxx-call"

#: What each instrument consists of: contracts bought (negative: sold) and the key of the layer that chooses the strike.
INSTRUMENT_LEGS: dict[str, tuple[tuple[int, str], ...]] = {
    CALL: ((1, "long_delta"),),
    VXX_CALL: ((1, "long_delta"),),
    CALL_SPREAD: ((1, "long_delta"), (-1, "short_delta")),
    BUTTERFLY: ((1, "lower_moneyness"), (-2, "middle_moneyness"), (1, "upper_moneyness")),
    FUTURE: (),
}


@dataclass(frozen=True)
class Timing:
    """When is decided and when is traded."""

    first_session: Annotated[dt.date, Key("first session with targets")]
    fill_lag_sessions: Annotated[int, Key("from the deciding close to the fill", 0, 1)]


@dataclass(frozen=True)
class Costs:
    """What a trade costs beside its mark."""

    half_spread: Annotated[float, Key("share of the price, each way", 0.0, 0.5)]
    minimum_half_spread: Annotated[float, Key("VIX points per option", 0.0, 1.0)]
    package_fills: Annotated[bool, Key("on the net price, not on each strike")]


@dataclass(frozen=True)
class Sizing:
    """What sizes are shares of."""

    base: Annotated[Literal["notional", "value"], Key("a constant amount, or the portfolio's value")]
    ladder_premium: Annotated[float | None, Key("share of base that all layers split", 0.0, 0.1)]


@dataclass(frozen=True)
class Sale:
    """One step of partial monetisation: made once in the life of a position."""

    multiple: Annotated[float, Key("of its cost, at which is sold", 1.0, 100.0)]
    fraction: Annotated[float, Key("share of the contracts bought that is sold", 0.01, 1.0)]


@dataclass(frozen=True)
class Collapse:
    """When the premium of a layer has collapsed, so that it is closed early."""

    variance_premium_below: Annotated[float, Key("VIX less realised volatility, points", -50.0, 50.0)]
    variance_premium_sessions: Annotated[int, Key("in a row below it", 1, 63)]
    capm_premium_at_most: Annotated[float, Key("a year, or this: a decimal", -5.0, 5.0)]
    only_in_profit: Annotated[bool, Key("keep a position that is not in profit")]


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One layer: what is bought, when it is rolled, and when it is sold."""

    label: Annotated[str, Key("name for people", 1, 40, decides=False)]
    instrument: Annotated[
        Literal["call", "call-spread", "butterfly", "future", "vxx-call"], Key("what is bought, on the VIX or on VXX")
    ]
    listing: Annotated[Literal["weekly", "monthly"], Key("weekly: weeklies and monthlies")]
    days_min: Annotated[int, Key("at least, calendar days to expiry", 1, 400)]
    days_target: Annotated[int, Key("nearest to this, calendar days", 1, 400)]
    days_max: Annotated[int | None, Key("at most, calendar days to expiry", 1, 400)]
    none_listed: Annotated[Literal["skip", "nearest"], Key("no expiry between: wait, or take the nearest")]
    entry: Annotated[Literal["any-session", "monthly-expiry"], Key("when a position may be opened")]
    long_delta: Annotated[float | None, Key("of the call bought, to its future", 0.01, 0.99)] = None
    short_delta: Annotated[float | None, Key("of the call sold, to its future", 0.01, 0.99)] = None
    lower_moneyness: Annotated[float | None, Key("strike over the future, one bought", 0.5, 5.0)] = None
    middle_moneyness: Annotated[float | None, Key("strike over the future, two sold", 0.5, 5.0)] = None
    upper_moneyness: Annotated[float | None, Key("strike over the future, one bought", 0.5, 5.0)] = None
    premium: Annotated[float | None, Key("share of base at multiplier 1", 0.0, 0.1)]
    ladder_contracts: Annotated[float | None, Key("per layer, splits the ladder premium", 0.1, 100.0)]
    size_when_stopped: Annotated[float, Key("factor while the budget is stopped", 0.0, 1.0)]
    event_lift: Annotated[int, Key("states up while an event is ahead", 0, 3)]
    carry_cheap_factor: Annotated[float, Key("on its size where carry is cheap", 0.0, 3.0)]
    carry_dear_factor: Annotated[float, Key("on its size where carry is dear", 0.0, 3.0)]
    roll_at_days_to_expiry: Annotated[int | None, Key("calendar days; none: held to expiry", 1, 400)]
    roll_after_days_held: Annotated[int | None, Key("calendar days", 1, 400)]
    monetise: Annotated[tuple[Sale, ...], Key("early sales", 0, 10)]
    collapse: Annotated[Collapse | None, Key("early close when the premium collapsed")]
    #: The name of its table.
    id: str

    @property
    def legs(self) -> tuple[tuple[int, str, float], ...]:
        """Options per package: contracts (negative: sold), ``delta`` or ``moneyness``, and its value."""
        made_of = INSTRUMENT_LEGS[self.instrument]
        return tuple((contracts, key.rpartition("_")[2], getattr(self, key)) for contracts, key in made_of)


@dataclass(frozen=True)
class Recycling:
    """What becomes of the proceeds of early sales."""

    share: Annotated[float, Key("into the longer layer furthest below target", 0.0, 1.0)]


@dataclass(frozen=True)
class TopUp:
    """Changes between rolls, after a change of the hedge state."""

    enabled: Annotated[bool, Key("change positions between rolls")]
    band: Annotated[float, Key("share of the target that is left alone", 0.0, 1.0)]
    band_contracts: Annotated[float, Key("contracts, if that is more", 0.0, 100.0)]


@dataclass(frozen=True)
class Budget:
    """Net cost over a window, mark included, as a share of base."""

    window_sessions: Annotated[int, Key("sessions that net cost is counted over", 21, 756)]
    alarm: Annotated[float | None, Key("net cost, share of base", 0.001, 1.0)]
    stop: Annotated[float | None, Key("net cost, share of base", 0.001, 1.0)]


@dataclass(frozen=True)
class PriceGate:
    """Sizes by the price of volatility. An edge belongs to the band below it."""

    enabled: Annotated[bool, Key("scale purchases by a price")]
    price: Annotated[Literal["cm30", "bought-expiry"], Key("30-day future, or the one under the call")]
    edges: Annotated[tuple[float, ...], Key("VIX points, ascending", 1, 10)]
    factors: Annotated[tuple[float, ...], Key("on the size, one more than edges", 2, 11)]


@dataclass(frozen=True)
class Weights:
    """Points of each indicator that is on."""

    vix_rsi: Annotated[float, Key("points", 0.0, 10.0)]
    breadth_macd: Annotated[float, Key("points", 0.0, 10.0)]
    curve_inversion: Annotated[float, Key("points", 0.0, 10.0)]
    reer_shift: Annotated[float, Key("points", 0.0, 10.0)]
    liquidity_quick_ratio: Annotated[float, Key("points", 0.0, 10.0)]


@dataclass(frozen=True)
class Thresholds:
    """Lowest score of each state above DORMANT."""

    guarded: Annotated[float, Key("score", 0.0, 100.0)]
    active: Annotated[float, Key("score", 0.0, 100.0)]
    expanded: Annotated[float, Key("score", 0.0, 100.0)]


@dataclass(frozen=True)
class Multipliers:
    """Size of purchases in each state."""

    dormant: Annotated[float, Key("factor on the size of purchases", 0.01, 10.0)]
    guarded: Annotated[float, Key("factor", 0.01, 10.0)]
    active: Annotated[float, Key("factor", 0.01, 10.0)]
    expanded: Annotated[float, Key("factor", 0.01, 10.0)]


@dataclass(frozen=True)
class State:
    """From indicators to the hedge state."""

    sizes_entries: Annotated[bool, Key("or shown only, at multiplier 1")]
    scale: Annotated[float, Key("score when everything is on", 0.1, 100.0)]
    step_down_sessions: Annotated[int, Key("in a row below, for each step down", 1, 21)]
    weights: Annotated[Weights, Key("points of each indicator that is on")]
    thresholds: Annotated[Thresholds, Key("lowest score of each state")]
    multipliers: Annotated[Multipliers, Key("size of purchases")]


@dataclass(frozen=True)
class VixRsi:
    """Wilder's relative strength index of VIX closes."""

    length: Annotated[int, Key("sessions", 2, 252)]
    on_at: Annotated[float, Key("on from here up, of 100", 0.0, 100.0)]
    off_below: Annotated[float, Key("off below", 0.0, 100.0)]


@dataclass(frozen=True)
class BreadthMacd:
    """MACD of the advance-decline line: on while the line is below its signal."""

    fast: Annotated[int, Key("sessions", 2, 252)]
    slow: Annotated[int, Key("sessions", 2, 252)]
    signal: Annotated[int, Key("sessions", 2, 252)]


@dataclass(frozen=True)
class CurveInversion:
    """VIX over VIX3M."""

    on_at: Annotated[float, Key("on from here up, ratio", 0.1, 10.0)]
    off_below: Annotated[float, Key("off below, ratio", 0.1, 10.0)]


@dataclass(frozen=True)
class ReerShift:
    """Standardised change of the real effective exchange rate of the dollar."""

    change_months: Annotated[int, Key("months", 1, 24)]
    history_years: Annotated[int, Key("years of changes it is compared with", 2, 30)]
    publication_lag_days: Annotated[int, Key("after the month's end", 0, 365)]
    on_at: Annotated[float, Key("on from here up, standard deviations", -10.0, 10.0)]
    off_below: Annotated[float, Key("off below, standard deviations", -10.0, 10.0)]


@dataclass(frozen=True)
class LiquidityQuickRatio:
    """Mean illiquidity of the long window over that of the short one; below 1 is worse than usual."""

    short_sessions: Annotated[int, Key("sessions", 1, 252)]
    long_sessions: Annotated[int, Key("sessions", 2, 756)]
    on_at: Annotated[float, Key("on from here down, ratio", 0.0, 10.0)]
    off_above: Annotated[float, Key("off above, ratio", 0.0, 10.0)]


@dataclass(frozen=True)
class EventRisk:
    """A scheduled announcement ahead."""

    horizon_sessions: Annotated[int, Key("sessions ahead", 1, 21)]


@dataclass(frozen=True)
class Carry:
    """Slope between the first two futures, and where it stands in its year."""

    cheap_percentile: Annotated[float, Key("cheap from here down, of 100", 0.0, 100.0)]
    dear_percentile: Annotated[float, Key("dear from here up, of 100", 0.0, 100.0)]


@dataclass(frozen=True)
class Windows:
    """Lengths of the measures that switch nothing by themselves."""

    percentile: Annotated[int, Key("sessions a value is ranked in", 20, 2520)]
    variance_premium: Annotated[int, Key("sessions of realised volatility", 5, 252)]
    capm_premium: Annotated[int, Key("sessions of the regression", 20, 2520)]
    correlation_short: Annotated[int, Key("sessions, S&P 500 with the VIX", 5, 2520)]
    correlation_long: Annotated[int, Key("sessions, S&P 500 with the VIX", 5, 2520)]


@dataclass(frozen=True)
class Indicators:
    """Parameters of the indicators."""

    vix_rsi: Annotated[VixRsi, Key("relative strength of the VIX")]
    breadth_macd: Annotated[BreadthMacd, Key("MACD of market breadth")]
    curve_inversion: Annotated[CurveInversion, Key("VIX over VIX3M")]
    reer_shift: Annotated[ReerShift, Key("change of the dollar's real rate")]
    liquidity_quick_ratio: Annotated[LiquidityQuickRatio, Key("liquidity against its quarter")]
    event_risk: Annotated[EventRisk, Key("FOMC, CPI or PPI ahead")]
    carry: Annotated[Carry, Key("slope of the curve in its year")]
    windows: Annotated[Windows, Key("lengths of the other measures")]


@dataclass(frozen=True)
class RuleSet:
    """Every parameter of a hedge."""

    name: Annotated[str, Key("small letters, digits and hyphens", 1, 24)]
    version: Annotated[int, Key("raised with every change", 1, 9999)]
    description: Annotated[str, Key("in one line", 1, 64, decides=False)]
    timing: Annotated[Timing, Key("when is decided and when is traded")]
    costs: Annotated[Costs, Key("what a trade costs beside its mark")]
    sizing: Annotated[Sizing, Key("what sizes are shares of")]
    layers: Annotated[tuple[Layer, ...], Key("layers.l1 to layers.l9, by days to expiry", 1, 9)]
    recycling: Annotated[Recycling, Key("what becomes of early proceeds")]
    top_up: Annotated[TopUp, Key("changes between rolls")]
    budget: Annotated[Budget, Key("net cost over a window")]
    price_gate: Annotated[PriceGate, Key("sizes by the price of volatility")]
    state: Annotated[State, Key("from indicators to the hedge state")]
    indicators: Annotated[Indicators, Key("what is measured")]

    def layer(self, identifier: str) -> Layer:
        """The layer of that name."""
        return next(layer for layer in self.layers if layer.id == identifier)

    @property
    def document(self) -> dict[str, Any]:
        """Everything that decides, and the methodology version."""
        return deciding(self, METHODOLOGY_VERSION)

    @cached_property
    def sha256(self) -> str:
        """Hash of everything that decides, and of the methodology version: 64 hexadecimal digits.

        It does not depend on the order of keys, on comments, or on how a number is spelled.
        """
        return document_hash(self.document)

    @property
    def digest(self) -> str:
        """The first 16 digits of the hash: what reports carry."""
        return self.sha256[:16]
