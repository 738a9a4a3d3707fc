"""Tests of the region side, mirroring producers/."""
