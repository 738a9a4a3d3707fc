"""
The catalogue: measures (one integer per household) and indicators (formulas over measures), each declared once.

Why: law, columns, SQL, topic and pages all read the same declaration, so no figure can mean two things.
Must not: know a clock, a driver, or how a household came to stand as it does.
"""
