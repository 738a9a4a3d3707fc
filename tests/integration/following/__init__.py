"""A folder in the path of processes that are followed: see sitecustomize.py."""
