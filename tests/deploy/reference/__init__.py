"""Tests of the reference data that comes with the product."""
