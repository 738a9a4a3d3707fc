"""Tests of what stands in PostgreSQL."""
