"""Tests of the simulated regional systems: their population, their life, their protocols, their truth."""
