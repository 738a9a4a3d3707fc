"""One conformance suite, which every kind of source passes against the real embedded services."""
