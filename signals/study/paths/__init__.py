"""Simulated markets, many at once: the indices and strategies on thousands of paths of the sample market's law."""
