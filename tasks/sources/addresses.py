"""Where the live sources are, and what they are asked as. Standard library only: settings have these as defaults."""

from __future__ import annotations

YAHOO_URL = "https://query2.finance.yahoo.com"
CBOE_URL = "https://cdn.cboe.com"
CBOE_WEB_URL = "https://www.cboe.com"
FRED_URL = "https://fred.stlouisfed.org"
FRED_API_URL = "https://api.stlouisfed.org"
BLS_URL = "https://www.bls.gov"

#: A browser's: Cboe's servers answer other programs with a web page.
USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"

#: What one request may take.
TIMEOUT_SECONDS = 20.0

#: Requests at once to one host. A host that hangs then keeps no other from being asked.
REQUESTS_AT_ONCE = 4

#: Between the starts of two requests to one host.
SPACING_SECONDS = 0.05

#: How often one request is tried, where trying again can help.
ATTEMPTS = 3
