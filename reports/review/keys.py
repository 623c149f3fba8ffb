"""What stands for the token where the token itself must not be: in a cookie, and in the address of a subscription."""

from __future__ import annotations

import hashlib
import hmac

#: What programs subscribe to that can send nothing but an address.
SUBSCRIPTIONS = ("/feed.atom", "/events.ics")

#: Parameter of their addresses.
KEY = "key"


def cookie_value(token: str) -> str:
    """What a cookie holds: who reads it cannot use it as the token elsewhere."""
    return _derived(token, "cookie")


def subscription_key(token: str, path: str) -> str:
    """What opens one path for reading, and nothing else."""
    return _derived(token, path)


def subscription(path: str, token: str | None) -> str:
    """The address of a subscription below the app, with its key where the app asks for a token."""
    return f"{path}?{KEY}={subscription_key(token, path)}" if token else path


def _derived(token: str, purpose: str) -> str:
    return hmac.new(token.encode(), f"tailguard review {purpose}".encode(), hashlib.sha256).hexdigest()
