"""Tests of the office's side."""
