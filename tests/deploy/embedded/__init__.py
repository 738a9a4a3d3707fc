"""Tests of the embedded services: the real ones, and their parts alone."""
