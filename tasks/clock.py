"""The one place that reads the time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from signals.errors import ConfigurationError
from signals.zones import NEW_YORK

Clock = Callable[[], dt.datetime]


def system_clock() -> dt.datetime:
    """Now, in UTC."""
    return dt.datetime.now(dt.UTC)


def clock_at(setting: str | None) -> Clock:
    """The system's clock, or one that stands still at the instant a setting names.

    A standing clock makes a run of the past repeatable: the run believes it is then. A setting without an offset is in
    New York time.

    Raises
    ------
    ConfigurationError
        When the setting is no instant.
    """
    if not setting:
        return system_clock
    try:
        instant = dt.datetime.fromisoformat(setting)
    except ValueError as error:
        raise ConfigurationError(
            "clock setting",
            expected="an instant such as 2020-03-16T18:45",
            got=repr(setting),
            do="Check TAILGUARD_CLOCK, or remove it to use the system's clock.",
        ) from error
    fixed = (instant if instant.tzinfo else instant.replace(tzinfo=NEW_YORK)).astimezone(dt.UTC)
    return lambda: fixed
