"""When a message that was turned away is tried again: soon at first, then every half hour, for four days."""

from __future__ import annotations

import datetime as dt

#: Wait after the first refusal; each further one doubles it.
FIRST_WAIT = dt.timedelta(minutes=1)

#: A mail server is asked no more often than that in the long run (RFC 5321, 4.5.4.1), and a channel that is back in the
#: morning has the signal long before the close it acts at.
LONGEST_WAIT = dt.timedelta(minutes=30)

#: Refusals in a row after which a message has FAILED: 97 hours and a half after the first, if each attempt is made when
#: it is due. From the first moment of a signal, two hours after a close, to the close it acts at it is 97, over the
#: longest weekend after an early close.
MAX_ATTEMPTS = 200

#: A wait that the other side asks for counts up to this: no answer may cost a day's signal.
LONGEST_ASKED = dt.timedelta(hours=6)


def next_attempt_at(now: dt.datetime, refusals: int, retry_after: dt.timedelta | None = None) -> dt.datetime | None:
    """When a message is due again after so many refusals in a row; None if it is given up.

    Parameters
    ----------
    refusals : int
        With the one just met: 1 or more.
    retry_after : datetime.timedelta, optional
        What the other side asked for; it makes the wait longer, never shorter.
    """
    if refusals >= MAX_ATTEMPTS:
        return None
    wait = FIRST_WAIT
    for _ in range(refusals - 1):
        wait = min(2 * wait, LONGEST_WAIT)
    return now + max(wait, min(retry_after or wait, LONGEST_ASKED))
