"""The time zone of the exchanges. Light, where `signals.calendar` loads numpy."""

from __future__ import annotations

from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
