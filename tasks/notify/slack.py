"""Slack through an incoming webhook.

A webhook has nothing like a Message-ID: Slack cannot recognise a message it has seen. So only an answer that says the
message was not taken counts as a refusal.
"""

from __future__ import annotations

import datetime as dt
import logging

import httpx

from reports.slack import render_slack
from reports.view import ReportView
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

    def __init__(self, webhook_url: str, timeout_seconds: float) -> None:
        self._url = webhook_url
        self._timeout = timeout_seconds

    def send(self, recipient: str, view: ReportView, message_key: str) -> None:
        """Post one message; see `Channel.send`."""
        try:
            answer = httpx.post(self._url, json=render_slack(view), timeout=self._timeout)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Refused(f"no connection: {type(error).__name__}", final=False) from error
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise Refused("the webhook's address is not usable", final=True) from error
        except httpx.HTTPError as error:
            raise AcceptanceUnknown(f"no answer: {type(error).__name__}") from error
        if answer.is_success:
            return
        reason = f"{answer.status_code} {self._without_secret(answer.text)[:_REASON_LIMIT]}"
        if answer.status_code in (_TOO_MANY_REQUESTS, _UNAVAILABLE):
            raise Refused(reason, final=False, retry_after=_retry_after(answer))
        if answer.is_server_error:
            raise AcceptanceUnknown(reason)
        raise Refused(reason, final=True)

    def _without_secret(self, text: str) -> str:
        """An answer that may repeat what was asked for, as the pages of proxies do."""
        path = httpx.URL(self._url).raw_path.decode()
        return text.replace(path, "/...") if path != "/" else text


def _retry_after(answer: httpx.Response) -> dt.timedelta | None:
    """How long Slack wants to be left alone: it says so in seconds."""
    try:
        return dt.timedelta(seconds=int(answer.headers.get("Retry-After", "")))
    except (ValueError, OverflowError):
        return None
