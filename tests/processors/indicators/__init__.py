"""The catalogue against numbers computed by hand and by others."""
