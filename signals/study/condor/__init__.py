"""The iron condor programme that a layered hedge is meant to protect."""
