"""The sample market: simulated, seeded, and calibrated to what the real one has been like.

``parameters`` holds every number, ``pricing`` says what the model's future is worth, ``model`` draws the market,
``observations`` shows it as if it had been published, and ``facts`` measures it, as it does the real one.
"""
