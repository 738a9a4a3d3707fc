"""The laws that must hold whatever happens."""
