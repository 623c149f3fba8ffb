"""What goes wrong on each of many sessions, drawn from a seed, and what has to come of it.

The right outcome follows from the plan alone: when the data of a session are there, and whether a run that is not
disturbed comes after that and before the deadline.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import numpy as np

from signals.calendar import TradingCalendar
from signals.zones import NEW_YORK
from tests.simulation.publishers import CBOE, FUTURES, RATES, SPX, VIX, YAHOO, Plan

#: (weekdays, hour, minute) of the attempts: written down once more, to be independent of the product's.
_EVENING, _MORNING = (0, 1, 2, 3, 4), (1, 2, 3, 4, 5)
_ATTEMPTS = (
    (_EVENING, 18, 45),
    (_EVENING, 20, 30),
    (_MORNING, 0, 20),
    (_MORNING, 7, 30),
    *((_EVENING, hour, 30) for hour in range(9, 15)),
)

#: What is done to a run.
KILLED, LOCKED, BRIEFLY_LOCKED, DISK_FULL = "killed", "database locked", "database locked briefly", "disk full"
#: And to its messages.
SMTP_DOWN, SMTP_LATER, SLACK_BUSY, HANG_UP = "SMTP down", "SMTP says later", "Slack 429", "hung up after the message"
#: And to its data.
LATE, NEVER, WRONG, WRONG_FOR_LONG, NO_RATES = "late", "not in time", "revised", "revised after weeks", "rates late"

DATA_FAULTS = (LATE, NEVER, WRONG, WRONG_FOR_LONG, NO_RATES)
RUN_FAULTS = (KILLED, LOCKED, BRIEFLY_LOCKED, DISK_FULL)
DELIVERY_FAULTS = (SMTP_DOWN, SMTP_LATER, SLACK_BUSY, HANG_UP)

#: How often each happens: of the sessions, and of the runs.
_DATA_SHARES = {LATE: 0.16, NEVER: 0.02, WRONG: 0.08, WRONG_FOR_LONG: 0.01, NO_RATES: 0.05}
_RUN_SHARES = {KILLED: 0.13, LOCKED: 0.02, BRIEFLY_LOCKED: 0.02, DISK_FULL: 0.04}
_DELIVERY_SHARES = {SMTP_DOWN: 0.05, SMTP_LATER: 0.03, SLACK_BUSY: 0.06, HANG_UP: 0.01}

#: Points of a run that delivers; a shorter one may be through before it is killed.
_POINTS = 420

#: Bytes a file may have where the disk is said to be full.
_ROOM = (8_192, 200_000)


@dataclass
class Attempt:
    """One scheduled run.

    Attributes
    ----------
    fault : str, optional
        What is done to the run; `at` says at which point, or with how much room.
    delivery : str, optional
        What is done to its messages.
    down, nonsense : str, optional
        How it shows that data are not there.
    """

    instant: dt.datetime
    fault: str | None = None
    at: int = 0
    delivery: str | None = None
    down: str | None = None
    nonsense: str | None = None


@dataclass
class Day:
    """One session.

    Attributes
    ----------
    attempts : list of Attempt
        Those before its deadline.
    late : str, optional
        What is not there at first.
    ready_at, complete_at : datetime.datetime
        From when on it is, and from when on everything of the sessions before is there too.
    wrong : (group, factor), optional
    right_at : datetime.datetime, optional
        From when on it is right.
    rates_at : datetime.datetime, optional
        From when on its rates are there.
    extra : int
        Which further attempt is made once the signal is out; -1 for none.
    """

    session: dt.date
    attempts: list[Attempt]
    ready_at: dt.datetime
    complete_at: dt.datetime
    late: str | None = None
    wrong: tuple[str, float] | None = None
    right_at: dt.datetime | None = None
    rates_at: dt.datetime | None = None
    extra: int = -1
    faults: list[str] = field(default_factory=list)

    @property
    def in_time(self) -> bool:
        """Whether a run that is not disturbed has all data before the deadline."""
        return any(item.instant >= self.complete_at and item.fault is None for item in self.attempts)


def days_of(calendar: TradingCalendar, sessions: list[dt.date], seed: int, often: float = 1.0) -> list[Day]:
    """Sessions with what goes wrong on each; `often` multiplies how often."""
    random = np.random.default_rng(seed)
    days: list[Day] = []
    for number, session in enumerate(sessions):
        attempts = [Attempt(instant) for instant in _attempts(calendar, session)]
        day = Day(session, attempts, attempts[0].instant, attempts[0].instant)
        later = [_attempts(calendar, following)[0] for following in sessions[number + 1 :][:20]]
        _draw_data(day, later, often, random)
        day.complete_at = max(day.ready_at, days[-1].complete_at) if days else day.ready_at
        _draw_runs(day, often, random)
        days.append(day)
    return days


def _attempts(calendar: TradingCalendar, session: dt.date) -> list[dt.datetime]:
    """From two hours after its close until half an hour before the next one."""
    first = calendar.close_time(session) + dt.timedelta(hours=2)
    last = calendar.close_time(calendar.next_session(session)) - dt.timedelta(minutes=30)
    day, found = first.astimezone(NEW_YORK).date(), []
    while dt.datetime.combine(day, dt.time(), NEW_YORK) < last:
        for weekdays, hour, minute in _ATTEMPTS:
            instant = dt.datetime.combine(day, dt.time(hour, minute), NEW_YORK)
            if day.weekday() in weekdays and first <= instant < last:
                found.append(instant)
        day += dt.timedelta(days=1)
    return sorted(found)


def _draw_data(day: Day, later: list[dt.datetime], often: float, random: np.random.Generator) -> None:
    draw = {name: random.random() < often * share for name, share in _DATA_SHARES.items()}
    numbers = random.random(6)
    count = len(day.attempts)
    if draw[NEVER] and len(later) > 4:
        # Days of it: the sessions in between wait too.
        day.ready_at = later[int(numbers[0] * 2)] - dt.timedelta(minutes=int(numbers[1] * 300))
        day.faults.append(NEVER)
    elif draw[LATE] and count > 1:
        day.ready_at = day.attempts[1 + int(numbers[0] * (count - 1))].instant
        day.faults.append(LATE)
    if day.faults:
        day.late = (SPX, VIX, FUTURES)[int(numbers[2] * 3)]
    if (draw[WRONG] or draw[WRONG_FOR_LONG]) and len(later) > 14:
        group = (SPX, VIX, FUTURES)[int(numbers[3] * 3)]
        size = {SPX: 0.035, VIX: 0.05, FUTURES: 0.03}[group] * (0.2 + 0.8 * numbers[4])
        day.wrong = group, round(1 + (size if numbers[5] < 0.5 else -size), 4)
        sessions = int(numbers[4] * 4) if draw[WRONG] else 13
        day.right_at = later[sessions] - dt.timedelta(hours=1)
        day.faults.append(WRONG if draw[WRONG] else WRONG_FOR_LONG)
    if draw[NO_RATES] and count > 2:
        day.rates_at = later[0] if later else day.attempts[-1].instant
        day.faults.append(NO_RATES)


def _draw_runs(day: Day, often: float, random: np.random.Generator) -> None:
    for attempt in day.attempts:
        which, how, delivery, seen = random.random(4)
        for name, share in _RUN_SHARES.items():
            if which < often * share:
                attempt.fault = name
                low, high = _ROOM if name == DISK_FULL else (0, _POINTS)
                attempt.at = low + int(how * (high - low))
                break
            which -= often * share
        for name, share in _DELIVERY_SHARES.items():
            if delivery < often * share:
                attempt.delivery = name
                break
            delivery -= often * share
        if day.late and attempt.instant < day.ready_at:
            if seen < 0.25 and day.late != VIX:
                attempt.down = CBOE if day.late == FUTURES else YAHOO
            elif seen < 0.4:
                attempt.nonsense = day.late
    # A session has its right outcome if a run after its data is not disturbed: one always is.
    sound = [item for item in day.attempts if item.instant >= day.complete_at]
    if sound:
        sound[-1].fault = None
    if random.random() < 0.5:
        day.extra = int(random.random() * len(day.attempts))


def plan_at(days: list[Day], instant: dt.datetime, through: dt.date, attempt: Attempt | None = None) -> Plan:
    """What the publishers answer at an instant."""
    near = [day for day in days if day.session <= through and (through - day.session).days < 40]
    hidden = [(day.late, str(day.session)) for day in near if day.late and instant < day.ready_at]
    hidden += [(RATES, str(day.session)) for day in near if day.rates_at and instant < day.rates_at]
    return Plan(
        str(through),
        hidden,
        [(*_named(day), day.wrong[1]) for day in near if day.wrong and day.right_at and instant < day.right_at],
        [attempt.down] if attempt and attempt.down else [],
        [attempt.nonsense] if attempt and attempt.nonsense else [],
    )


def _named(day: Day) -> tuple[str, str]:
    assert day.wrong
    return day.wrong[0], str(day.session)
