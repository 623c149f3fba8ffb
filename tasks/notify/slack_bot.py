"""Slack through a bot's token: the message in a channel, its details in a thread below it.

Only the first message decides what became of the report. A reply that fails is logged and never sent again: nobody who
has the signal is told twice for the sake of its details. What `chat.postMessage` answers is listed at
https://docs.slack.dev/reference/methods/chat.postMessage
"""

from __future__ import annotations

import logging
from typing import Any

import httpx

from reports.slack import render_slack, render_slack_thread
from reports.view import ReportView, pushed
from tasks.notify.channel import SLACK, AcceptanceUnknown, Refused
from tasks.notify.slack import WEBHOOK, post, raise_turned_away, retry_after

_LOG = logging.getLogger("tailguard.notify")

#: Slack did not take the message, and may another time.
_LATER = frozenset(
    {"ratelimited", "rate_limited", "message_limit_exceeded", "service_unavailable", "request_timeout",
     "team_added_to_org", "accesslimited"}
)  # fmt: skip

#: Somebody has to mend the token or the channel, or invite the bot: of a private channel that it is not in, Slack says
#: that there is none. After that the message goes out as it is.
_TO_BE_MENDED = frozenset(
    {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope",
     "no_permission", "not_allowed_token_type", "org_login_required", "ekm_access_denied", "two_factor_setup_required",
     "not_in_channel", "access_denied", "channel_not_found", "is_archived", "restricted_action"}
)  # fmt: skip

#: Some of what was asked for may have been done before the error.
_UNKNOWN = frozenset({"fatal_error", "internal_error"})

_REASON_LIMIT = 200


class SlackBot:
    """Post reports to a channel, with their details in a thread.

    Parameters
    ----------
    token : str
        Of a bot that may write to the channel (``chat:write``).
    channel : str
        Its ID, or its name with ``#``.
    api_url : str
        Base address of Slack's interface for programs.
    """

    name = SLACK

    def __init__(
        self, token: str, channel: str, timeout_seconds: float, api_url: str, review_url: str | None = None
    ) -> None:
        self._token = token
        self._channel = channel
        self._timeout = timeout_seconds
        self._url = f"{api_url}/chat.postMessage"
        self._review_url = review_url

    def send(self, recipient: str, view: ReportView, message_key: str) -> None:
        """Post one message and its thread; see `Channel.send`.

        What was stored for a webhook goes to the configured channel.
        """
        shown = pushed(view, self._review_url)
        channel = self._channel if recipient == WEBHOOK else recipient
        # All of it before any of it is sent: what cannot be written must not be taken for sent.
        message, replies = render_slack(shown, threaded=True), render_slack_thread(shown)
        answer = self._post({"channel": channel, **message})
        # Replies want the channel's ID, which the answer has.
        place = {"channel": answer.get("channel", channel), "thread_ts": answer.get("ts")}
        for reply in replies if place["thread_ts"] else ():
            try:
                self._post({**place, **reply})
            except Exception as error:  # noqa: BLE001 - whatever is wrong with a detail, the message was taken
                told = str(error) if isinstance(error, (Refused, AcceptanceUnknown)) else type(error).__name__
                _LOG.warning("details are not in the thread", extra={"facts": {"error": told}})
                return

    def _post(self, message: dict[str, Any]) -> dict[str, Any]:
        """What Slack answers to a message that it took."""
        answer = post(
            self._url,
            {**message, "unfurl_links": False, "unfurl_media": False},
            self._timeout,
            unusable="the address of Slack's interface is not usable",
            headers={"Authorization": f"Bearer {self._token}"},
        )
        if not answer.is_success:
            reason = f"{answer.status_code} {self._without_secret(answer.text)[:_REASON_LIMIT]}"
            raise_turned_away(answer, reason)
        found = _document(answer)
        if found.get("ok") is True:
            return found
        if found.get("ok") is not False:
            raise AcceptanceUnknown("an answer that does not say whether the message was taken")
        error = self._without_secret(str(found.get("error", "")))[:_REASON_LIMIT]
        if error in _UNKNOWN:
            raise AcceptanceUnknown(error)
        raise Refused(error, final=error not in _LATER | _TO_BE_MENDED, retry_after=retry_after(answer))

    def _without_secret(self, text: str) -> str:
        return text.replace(self._token, "...")


def _document(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
