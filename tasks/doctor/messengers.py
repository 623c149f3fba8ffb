"""The channels: whether the mail server and Slack can be reached, without sending anything."""

from __future__ import annotations

import logging
import re
import smtplib
import ssl
from urllib.parse import urlsplit

import httpx

from tasks.doctor.findings import FAIL, OK, WARN, Finding
from tasks.notify.email import SmtpServer, connect

# httpx logs the address of every request, and here the address is the secret.
logging.getLogger("httpx").setLevel(logging.WARNING)
logging.getLogger("httpcore").setLevel(logging.WARNING)

_SLACK_HOSTS = ("hooks.slack.com", "hooks.slack-gov.com")
_WEBHOOK_PATH = re.compile(r"/services/T[A-Z0-9]+/B[A-Z0-9]+/[A-Za-z0-9]+|/(workflows|triggers)/[A-Za-z0-9/]+")

_CHECK_SERVER = "Check the settings smtp_host, smtp_port and smtp_security, and the network."
_CHECK_LOGIN = "Check the settings smtp_user and smtp_password."


def mail(server: SmtpServer | None, recipients: int) -> Finding:
    """Whether the mail server takes our connection and our login; nothing is sent."""
    if server is None:
        return Finding("mail", OK, "not configured: nobody is told by mail")
    where = f"{server.host}:{server.port}"
    try:
        smtp = connect(server)
    except smtplib.SMTPAuthenticationError as error:
        return Finding("mail", FAIL, f"{where}: login refused, {_answer(error)}", _CHECK_LOGIN)
    except smtplib.SMTPResponseException as error:
        return Finding("mail", FAIL, f"{where}: {_answer(error)}", _CHECK_SERVER)
    except UnicodeEncodeError:
        # The cause is left out: it can hold the password.
        return Finding("mail", FAIL, f"{where}: the user or password has characters beyond ASCII", _CHECK_LOGIN)
    except ssl.SSLCertVerificationError as error:
        do = "Check smtp_host, which the certificate has to name, and the certificates this machine trusts."
        return Finding("mail", FAIL, f"{where}: its certificate is not accepted, {error.verify_message}", do)
    except (smtplib.SMTPException, OSError) as error:
        return Finding("mail", FAIL, f"{where}: {_said(error)}", _CHECK_SERVER)
    try:
        code, answer = smtp.noop()
        if not 200 <= code < 300:
            return Finding("mail", FAIL, f"{where}: {code} {_text(answer)}", _CHECK_SERVER)
        smtp.quit()
    except (smtplib.SMTPException, OSError) as error:
        return Finding("mail", WARN, f"{where}: connected, then {_said(error)}", "Try again.")
    finally:
        smtp.close()
    secured = {"starttls": ", STARTTLS", "ssl": ", TLS"}.get(server.security, ", not encrypted")
    login = ", logged in" if server.user else ", no login"
    to = f"{recipients} recipient{'s' if recipients != 1 else ''}"
    return Finding("mail", OK, f"{where}{secured}{login}; {to}; nothing was sent")


def slack(webhook_url: str | None, seconds: float) -> Finding:
    """Whether the webhook's address looks like one and its host answers; nothing is posted."""
    if webhook_url is None:
        return Finding("Slack", OK, "not configured: nobody is told in Slack")
    parts = urlsplit(webhook_url)
    host = parts.netloc.rpartition("@")[2]
    try:
        httpx.get(f"{parts.scheme}://{host}/", timeout=seconds)
    except httpx.HTTPError as error:
        # Not the error's own text, which may quote the address.
        said = "no answer in time" if isinstance(error, httpx.TimeoutException) else type(error).__name__
        return Finding("Slack", FAIL, f"{host}: {said}", "Check the network, and the setting slack_webhook_url.")
    except httpx.InvalidURL:
        return Finding("Slack", FAIL, "its address makes no sense", "Check the setting slack_webhook_url.")
    untested = f"not tested beyond reaching {host}, as that would post"
    if parts.scheme != "https" or not _WEBHOOK_PATH.fullmatch(parts.path):
        do = "A webhook is https://hooks.slack.com/services/T.../B.../...: check the setting slack_webhook_url."
        return Finding("Slack", WARN, f"the address does not have the shape of a webhook; {untested}", do)
    if parts.hostname not in _SLACK_HOSTS:
        return Finding("Slack", WARN, f"not a host of Slack; {untested}", "Check the setting slack_webhook_url.")
    return Finding("Slack", OK, f"a webhook; {untested}")


def slack_bot(token: str, channel: str, api_url: str, seconds: float) -> Finding:
    """Whether Slack knows the bot's token; nothing is posted."""
    host = urlsplit(api_url).netloc
    try:
        answer = httpx.post(f"{api_url}/auth.test", timeout=seconds, headers={"Authorization": f"Bearer {token}"})
        found = answer.json()
    except httpx.HTTPError as error:
        said = "no answer in time" if isinstance(error, httpx.TimeoutException) else type(error).__name__
        return Finding("Slack", FAIL, f"{host}: {said}", "Check the network, and the setting slack_api_url.")
    except ValueError:
        return Finding("Slack", FAIL, f"{host}: {answer.status_code}, not an answer of Slack", "Check slack_api_url.")
    if not isinstance(found, dict) or found.get("ok") is not True:
        reason = found.get("error", "no reason") if isinstance(found, dict) else "no reason"
        do = "Check the setting slack_bot_token, and the bot's permission chat:write."
        return Finding("Slack", FAIL, f"{host}: the token is refused, {_text(str(reason))}", do)
    who = _text(str(found.get("user", "a bot")))
    return Finding(
        "Slack", OK, f"{who} at {host}; whether it is a member of {channel} is not tested, as that would post"
    )


def _answer(error: smtplib.SMTPResponseException) -> str:
    return f"{error.smtp_code} {_text(error.smtp_error)}"


def _text(answer: bytes | str) -> str:
    text = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
    return " ".join(text.split())[:200]


def _said(error: Exception) -> str:
    match error:
        case TimeoutError():
            return "no answer in time"
        case ConnectionRefusedError():
            return "connection refused"
        case _:
            return _text(str(error)) or type(error).__name__
