"""Tests of repairs of the quarantine, mirroring producers/repair/."""
