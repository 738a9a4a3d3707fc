"""The author's tools, one module of tests for each."""
