"""
The reference data that comes with the product: regions with both code systems, poverty lines, the pilots' sources.

Why: a fresh clone must show figures without asking anybody for a file; README.md beside names every source and licence.
Must not: be the only way in: `muara regions|lines|sources load FILE` takes any other data.
"""
