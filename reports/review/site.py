"""What every page of the review app works with: the database, the clock, and what the program around it tells."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import Engine, inspect
from sqlalchemy.exc import DataError, DBAPIError, SQLAlchemyError

from reports.review.memory import Memory
from reports.review.problems import Problem, Unavailable
from signals.approvals import Approval
from signals.calendar import TradingCalendar
from signals.errors import ConfigurationError
from storage.schema import SCHEMA_REVISION
from storage.unit_of_work import UnitOfWork

_LOG = logging.getLogger(__name__)

#: SQLSTATE of a server that has no such table.
_UNDEFINED_TABLE = "42P01"

#: What databases say while another program holds them.
_HELD = ("locked", "lock timeout", "busy")


@dataclass(frozen=True)
class Trouble:
    """Something that is wrong, and what to do."""

    name: str
    text: str
    do: str


@dataclass(frozen=True)
class RuleSetStanding:
    """A rule set and its approvals.

    Attributes
    ----------
    values : mapping of key to value, as text
    in_use : bool
        Whether runs use it, or it is only proposed.
    """

    name: str
    version: int
    sha256: str
    description: str
    values: Mapping[str, str]
    in_use: bool
    in_force: bool
    approvals: tuple[Approval, ...] = ()
    not_counted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Governance:
    """How rule sets take effect here; `required` of the `approvers` have to sign."""

    required: int
    approvers: tuple[str, ...]
    rule_sets: tuple[RuleSetStanding, ...]


@dataclass(frozen=True)
class Gap:
    """What a series lacks: ranges of days as text, and how many days they are; `needed` where a decision needs them."""

    name: str
    expected: int
    unit: str
    missing: tuple[str, ...]
    missing_days: int
    needed: bool = False


@dataclass(frozen=True)
class ReviewConfig:
    """What the app is told by the program that starts it.

    Attributes
    ----------
    open_database : callable
        Opens it for reading; raises what `storage.engine.open_engine` does.
    clock : callable
    calendar : callable
        The trading calendar; takes a second the first time.
    troubles : callable
        What is wrong with the service at an instant, from the ledger of runs.
    governance : callable
        Rule sets and their approvals; raises `ConfigurationError`.
    gaps : callable
        What the stored series lack; takes seconds.
    version : str
    token : str, optional
        What a reader has to know; None for nobody.
    hosts : tuple of str
        Names under which the app may be asked for.
    any_address : bool
        Whether it may also be asked for under the number of any address: it listens on all of them.
    address : str, optional
        Where readers find it, for links in feeds.
    ignored : collection of (series, publisher, day)
        Values that somebody has looked at and found wrong: charts leave them out.
    """

    open_database: Callable[[], Engine]
    clock: Callable[[], dt.datetime]
    calendar: Callable[[], TradingCalendar]
    troubles: Callable[[Engine, dt.datetime], Sequence[Trouble]]
    governance: Callable[[], Governance]
    gaps: Callable[[Engine], Sequence[Gap]]
    version: str
    token: str | None = None
    hosts: tuple[str, ...] = ()
    any_address: bool = False
    address: str | None = None
    ignored: Collection[tuple[str, str, dt.date]] = ()


@dataclass
class Site:
    """One running app."""

    config: ReviewConfig
    memory: Memory = field(default_factory=Memory)
    _engine: Engine | None = None
    _opening: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def work(self) -> Iterator[UnitOfWork]:
        """A transaction that reads, in a database that is there and at the right schema.

        Raises
        ------
        Unavailable
            When it is not, or does not answer. The next request looks anew.
        """
        try:
            with UnitOfWork(self.engine()) as work:
                if (found := work.schema_revision()) != SCHEMA_REVISION:
                    raise Unavailable.schema(found, SCHEMA_REVISION)
                yield work
        except DataError as error:
            # A server refuses a value before it looks for it: a character, or a number, that no column can hold.
            _LOG.warning("database: %s", error)
            raise Problem(
                422, "The address cannot be understood", "The database refuses a value in it. Check the address."
            ) from error
        except (SQLAlchemyError, ConfigurationError) as error:
            raise self._unavailable(error) from error

    @contextmanager
    def reading(self) -> Iterator[Engine]:
        """For what reads the database in transactions of its own; what is wrong with it is said as `work` says it.

        Raises
        ------
        Unavailable
            When it does not answer.
        """
        try:
            yield self.engine()
        except (SQLAlchemyError, ConfigurationError) as error:
            raise self._unavailable(error) from error

    def engine(self) -> Engine:
        """The database, as far as it can be opened now."""
        if self._engine is None:
            with self._opening:
                if self._engine is None:
                    self._engine = self.config.open_database()
        return self._engine

    def now(self) -> dt.datetime:
        """The present instant."""
        return self.config.clock()

    def version_of(self, work: UnitOfWork) -> tuple[object, ...]:
        """What changes whenever a report is stored, or the database is another one."""
        newest = work.reports.heads("veqtor", limit=1)
        head = newest[0] if newest else None
        return work.reports.count(), head and (head.id, head.fingerprint, head.emitted_at)

    def _unavailable(self, error: Exception) -> Unavailable:
        """What a reader is told; the operator finds the whole of it in the log."""
        said = str(error.orig if isinstance(error, DBAPIError) else error).lower()
        _LOG.warning("database: %s", error)
        if any(word in said for word in _HELD):
            return Unavailable.held()
        if _is_undefined_table(error):
            return Unavailable.foreign() if self._has_tables() else Unavailable.schema(None, SCHEMA_REVISION)
        return Unavailable.absent()

    def _has_tables(self) -> bool:
        """Whether a database without our tables has others: it is another program's."""
        try:
            return bool(inspect(self.engine()).get_table_names())
        except (SQLAlchemyError, ConfigurationError):
            return False


def _is_undefined_table(error: Exception) -> bool:
    if not isinstance(error, DBAPIError):
        return False
    code = getattr(error.orig, "sqlstate", None)
    return code == _UNDEFINED_TABLE if code else str(error.orig).startswith("no such table")
