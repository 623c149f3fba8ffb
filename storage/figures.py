"""The key figures of reports, in columns: what charts, past calls and histories read of many reports at once.

A row says nothing that the document of its report does not, and is stored with it. Weights, returns and volatilities
are decimals, volatilities annualised; levels are in index points, amounts in US dollars for the notional of the report.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields

from sqlalchemy import ColumnElement, Table, and_, insert, select, true
from sqlalchemy.orm import Session

from storage.models import Base, HedgeFigureRow, SessionFigureRow


@dataclass(frozen=True)
class SessionFigures:
    """The figures of one report. None where there is no value, such as a level without its settlement.

    Attributes
    ----------
    session, revision, emitted_at
        Of the report.
    spx, vix : float, optional
        Closes of the session, index points and VIX points.
    regime, trend : str
        As the report names them.
    trend_up, trend_run : bool, int
        Whether MA5 is at or above MA20, and for how many sessions in a row it has been on that side.
    excess_return_5d : float, optional
        Five-day excess return of the strategy.
    stop_loss : bool
        The test at the close.
    in_cash : bool
        Whether the return into the session was earned in cash.
    earned_*, held_*, target_* : float
        Weights that earned the return into the session, that are set at its close, and that it decides.
    """

    report_id: int
    session: dt.date
    rule_set: str
    revision: int
    emitted_at: dt.datetime
    effective_session: dt.date
    health: str
    back_test: bool
    spx: float | None
    vix: float | None
    realised_volatility: float
    regime: str
    short_average: float
    long_average: float
    trend: str
    trend_up: bool
    trend_run: int
    excess_return_5d: float | None
    stop_loss: bool
    in_cash: bool
    earned_equity: float
    earned_volatility: float
    earned_cash: float
    held_equity: float
    held_volatility: float
    held_cash: float
    target_equity: float
    target_volatility: float
    target_cash: float
    veqtor_total_return: float | None
    veqtor_excess_return: float | None
    sp500_total_return: float | None
    vix_short_total_return: float | None
    vix_mid_total_return: float | None
    constant_maturity_30d: float | None


#: The layer that stands for the whole hedge.
ALL_LAYERS = "all"


@dataclass(frozen=True)
class HedgeFigures:
    """The figures of one layer of a hedge in one report, or of the whole hedge, whose layer is ``all``.

    Attributes
    ----------
    action : str
        What the layer does; empty for the whole.
    paid_usd, received_usd : float
        Of the session's fills.
    worth_usd : float, optional
        Mark at the close; None without a price.
    pnl_usd : float
        Since the inception.
    net_cost, alarm, stop : float, optional
        Net cost over the budget's window as a share of the notional (negative: a gain), and its limits; of the whole.
    """

    report_id: int
    session: dt.date
    revision: int
    emitted_at: dt.datetime
    hedge: str
    layer: str
    action: str
    state: str
    score: float | None
    paid_usd: float
    received_usd: float
    worth_usd: float | None
    pnl_usd: float
    net_cost: float | None
    alarm: float | None
    stop: float | None
    notional_usd: float


class FigureRepository:
    """Figures are added with their report and read, never changed."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, sessions: Sequence[SessionFigures], hedges: Sequence[HedgeFigures]) -> None:
        """Store the figures of reports that have just been stored."""
        for table, rows in ((SessionFigureRow.__tablename__, sessions), (HedgeFigureRow.__tablename__, hedges)):
            if rows:
                self._session.execute(insert(Base.metadata.tables[table]), [vars(row) for row in rows])

    def history(
        self,
        rule_set: str = "veqtor",
        *,
        first: dt.date | None = None,
        last: dt.date | None = None,
        as_of: dt.datetime | None = None,
    ) -> list[SessionFigures]:
        """The figures of every session's newest revision, by session; with `as_of`, of those emitted by then."""
        table = Base.metadata.tables[SessionFigureRow.__tablename__]
        query = select(*(table.c[field.name] for field in fields(SessionFigures))).where(table.c.rule_set == rule_set)
        query = query.order_by(table.c.session, table.c.report_id)
        if first is not None:
            query = query.where(table.c.session >= first)
        if last is not None:
            query = query.where(table.c.session <= last)
        if as_of is not None:
            query = query.where(table.c.emitted_at <= as_of)
        return _newest(SessionFigures(*row) for row in self._session.execute(query))

    def of_reports(self, report_ids: Collection[int]) -> dict[int, SessionFigures]:
        """The figures of some reports, by the key of each."""
        table = Base.metadata.tables[SessionFigureRow.__tablename__]
        query = select(*(table.c[field.name] for field in fields(SessionFigures)))
        rows = self._session.execute(query.where(table.c.report_id.in_(report_ids)))
        return {row.report_id: SessionFigures(*row) for row in rows}

    def hedges_of(self, report_id: int) -> list[str]:
        """The rule sets of the hedges of which a report has figures."""
        table = Base.metadata.tables[HedgeFigureRow.__tablename__]
        query = select(table.c.hedge).where(table.c.report_id == report_id, table.c.layer == ALL_LAYERS)
        return list(self._session.scalars(query.order_by(table.c.hedge)))

    def hedge_names(self) -> list[str]:
        """The rule sets of the hedges of which any report has figures."""
        table = Base.metadata.tables[HedgeFigureRow.__tablename__]
        query = select(table.c.hedge).where(table.c.layer == ALL_LAYERS).distinct().order_by(table.c.hedge)
        return list(self._session.scalars(query))

    def hedges(
        self,
        hedge: str,
        *,
        first: dt.date | None = None,
        last: dt.date | None = None,
        as_of: dt.datetime | None = None,
    ) -> list[HedgeFigures]:
        """The figures of a hedge and its layers in every session's newest revision, by session and layer.

        With `as_of`, in those emitted by then.
        """
        table = Base.metadata.tables[HedgeFigureRow.__tablename__]
        query = select(*(table.c[field.name] for field in fields(HedgeFigures))).where(table.c.hedge == hedge)
        query = query.order_by(table.c.session, table.c.layer)
        if first is not None:
            query = query.where(table.c.session >= first)
        if last is not None:
            query = query.where(table.c.session <= last)
        if as_of is not None:
            query = query.where(table.c.emitted_at <= as_of)
        return [HedgeFigures(*row) for row in self._session.execute(query.where(_is_newest(table, as_of)))]


def _is_newest(table: Table, as_of: dt.datetime | None) -> ColumnElement[bool]:
    """Whether the report of a row is its session's newest revision, which may have no such row any more."""
    own = Base.metadata.tables[SessionFigureRow.__tablename__].alias("own")
    later = Base.metadata.tables[SessionFigureRow.__tablename__].alias("later")
    same = and_(
        later.c.session == own.c.session, later.c.rule_set == own.c.rule_set, later.c.report_id > own.c.report_id
    )
    by_then = true() if as_of is None else later.c.emitted_at <= as_of
    overtaken = select(own.c.report_id).join(later, same).where(own.c.report_id == table.c.report_id, by_then)
    return ~overtaken.exists()


def _newest(rows: Iterable[SessionFigures]) -> list[SessionFigures]:
    """The last row of each session."""
    return list({row.session: row for row in rows}.values())
