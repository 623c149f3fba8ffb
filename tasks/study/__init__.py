"""Studies: from recorded data to what was found, part by part, on as many workers as there are."""
