"""
The demo: four simulated regional systems over a synthetic population, and the stage on which the whole platform plays.

Why: a newcomer must see the platform at work without any region's data, and a test must know what the true figures are.
Must not: be needed by anything that a real installation runs.
"""
