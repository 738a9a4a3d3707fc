"""
How Muara is put together and run: the `muara` command, the embedded services, the demo.

Why: only here both sides are known; everything else can be tested alone.
Must not: hold a rule of the law.
"""
