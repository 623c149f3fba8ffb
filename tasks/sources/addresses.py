"""Where the live sources are, and what they are asked as. Standard library only: settings have these as defaults."""

from __future__ import annotations

YAHOO_URL = "https://query2.finance.yahoo.com"
CBOE_URL = "https://cdn.cboe.com"
FRED_URL = "https://fred.stlouisfed.org"

#: A browser's: Cboe's servers answer other programs with a web page.
USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"

#: What one request may take.
TIMEOUT_SECONDS = 20.0
