"""Where data come from. A source fetches payloads; the parser of a payload depends on its format alone."""
