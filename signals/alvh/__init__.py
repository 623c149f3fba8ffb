"""ALVH, the adaptive layered VIX hedge, and the Cboe VIX Tail Hedge index as its yardstick."""
