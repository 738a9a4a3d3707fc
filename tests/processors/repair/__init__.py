"""The law on arrays, held against the law."""
