"""The review app: emitted reports and everything they rest on, to read in a browser. It writes nothing."""
