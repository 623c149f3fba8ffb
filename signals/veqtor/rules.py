"""The rules of VEQTOR as data. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from signals.document import document_hash, encode

#: Raised whenever a number computed from the same observations and rules would change.
METHODOLOGY_VERSION = 1

UPTREND, NO_TREND, DOWNTREND = "uptrend", "no trend", "downtrend"


@dataclass(frozen=True)
class VeqtorRules:
    """Every parameter of the strategy; the content hash of these is stored with each report.

    Attributes
    ----------
    name : str
    regime_edges : tuple of float
        Annualised realised volatilities, decimals, that separate the regimes; an edge belongs to the regime above it.
    volatility_weights : tuple of (downtrend, no trend, uptrend)
        Target weight of the volatility component per regime; equity is the rest.
    realised_window, short_average, long_average : int
        Sessions.
    trend_sessions : int
        Sessions in a row on one side that make a trend.
    decision_lag : int
        Sessions from the close that decides a weight to the close at which it is held.
    stop_loss : float
        Excess return over `stop_sessions` at or below which the index goes to cash.
    volatility_index : str
        The VIX futures index that is the volatility component.
    overlay : bool
        Whether what is published is the unfunded overlay that turns a holding of the S&P 500 into the strategy.
    """

    name: str
    regime_edges: tuple[float, ...]
    volatility_weights: tuple[tuple[float, float, float], ...]
    realised_window: int
    short_average: int
    long_average: int
    trend_sessions: int
    decision_lag: int
    stop_loss: float
    stop_sessions: int
    volatility_index: str = "vix-short-term"
    overlay: bool = False

    @property
    def document(self) -> dict[str, Any]:
        """The parameters and the methodology version: everything that decides.

        A parameter at its default is left out: a new one changes no hash of before.
        """
        parameters = {field.name: getattr(self, field.name) for field in fields(self)}
        for field in fields(self):
            if field.default == parameters[field.name]:
                del parameters[field.name]
        return {"methodology": METHODOLOGY_VERSION, **encode(parameters)}

    @property
    def digest(self) -> str:
        """The first 16 hexadecimal digits of the hash of the parameters and of the methodology version."""
        return document_hash(self.document)[:16]

    def regime_name(self, regime: int) -> str:
        """A regime in words, such as ``10-20%``."""
        edges = [f"{edge * 100:g}" for edge in self.regime_edges]
        if regime == 0:
            return f"below {edges[0]}%"
        if regime == len(edges):
            return f"{edges[-1]}% or more"
        return f"{edges[regime - 1]}-{edges[regime]}%"


VEQTOR = VeqtorRules(
    name="veqtor",
    regime_edges=(0.10, 0.20, 0.35, 0.45),
    volatility_weights=(
        # downtrend, no trend, uptrend
        (0.025, 0.025, 0.10),
        (0.025, 0.10, 0.15),
        (0.10, 0.15, 0.25),
        (0.15, 0.25, 0.40),
        (0.25, 0.40, 0.40),
    ),
    realised_window=22,
    short_average=5,
    long_average=20,
    trend_sessions=10,
    decision_lag=1,
    stop_loss=-0.02,
    stop_sessions=5,
)

#: The same on the mid-term futures index.
VEQTOR_MID_TERM = replace(VEQTOR, name="veqtor-mid-term", volatility_index="vix-mid-term")

#: VEQTOR for a holder of the S&P 500. S&P published an unfunded variant; its formula is not in free sources.
VEQTOR_OVERLAY = replace(VEQTOR, name="veqtor-overlay", overlay=True)

#: What a report can carry beside VEQTOR.
VARIANTS = {rules.name: rules for rules in (VEQTOR_MID_TERM, VEQTOR_OVERLAY)}
