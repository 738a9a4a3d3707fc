"""Tests of how Muara is put together and run."""
