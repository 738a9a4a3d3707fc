"""Tests of the sources, mirroring producers/sources/."""
