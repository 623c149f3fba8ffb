"""Slack through an incoming webhook.

A webhook has nothing like a Message-ID: Slack cannot recognise a message it has seen. So only an answer that says the
message was not taken counts as a refusal.
"""

from __future__ import annotations

import datetime as dt
import logging

import httpx

from reports.slack import render_slack
from reports.view import ReportView, pushed
from tasks.notify.channel import SLACK, AcceptanceUnknown, Refused

# httpx logs the address of every request, and here the address is the secret.
logging.getLogger("httpx").setLevel(logging.WARNING)
logging.getLogger("httpcore").setLevel(logging.WARNING)

#: Name of the webhook in the outbox; its address is a secret and is not stored.
WEBHOOK = "webhook"

_TOO_MANY_REQUESTS = 429
_UNAVAILABLE = 503
_REASON_LIMIT = 200


class SlackChannel:
    """Post reports to a channel."""

    name = SLACK

    def __init__(self, webhook_url: str, timeout_seconds: float, review_url: str | None = None) -> None:
        self._url = webhook_url
        self._timeout = timeout_seconds
        self._review_url = review_url

    def send(self, recipient: str, view: ReportView, message_key: str) -> None:
        """Post one message; see `Channel.send`."""
        message = render_slack(pushed(view, self._review_url))
        answer = post(self._url, message, self._timeout, unusable="the webhook's address is not usable")
        if answer.is_success:
            return
        reason = f"{answer.status_code} {self._without_secret(answer.text)[:_REASON_LIMIT]}"
        raise_turned_away(answer, reason)

    def _without_secret(self, text: str) -> str:
        """An answer that may repeat what was asked for, as the pages of proxies do."""
        path = httpx.URL(self._url).raw_path.decode()
        return text.replace(path, "/...") if path != "/" else text


def post(
    url: str, message: object, timeout_seconds: float, *, unusable: str, headers: dict[str, str] | None = None
) -> httpx.Response:
    """What Slack answers to a message.

    Raises
    ------
    Refused, AcceptanceUnknown
        When there is no answer; with `unusable` where the address is none.
    """
    try:
        return httpx.post(url, json=message, timeout=timeout_seconds, headers=headers)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise Refused(f"no connection: {type(error).__name__}", final=False) from error
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise Refused(unusable, final=True) from error
    except httpx.HTTPError as error:
        raise AcceptanceUnknown(f"no answer: {type(error).__name__}") from error


def raise_turned_away(answer: httpx.Response, reason: str) -> None:
    """Raise what an answer without success means for the message.

    Raises
    ------
    Refused, AcceptanceUnknown
    """
    if answer.status_code in (_TOO_MANY_REQUESTS, _UNAVAILABLE):
        raise Refused(reason, final=False, retry_after=retry_after(answer))
    if answer.is_server_error:
        raise AcceptanceUnknown(reason)
    raise Refused(reason, final=True)


def retry_after(answer: httpx.Response) -> dt.timedelta | None:
    """How long Slack wants to be left alone: it says so in seconds."""
    try:
        return dt.timedelta(seconds=int(answer.headers.get("Retry-After", "")))
    except (ValueError, OverflowError):
        return None
