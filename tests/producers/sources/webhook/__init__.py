"""Tests of the source kind webhook, mirroring producers/sources/webhook/."""
