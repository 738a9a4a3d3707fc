"""
The subcommands of `muara`, a module per concern.

Why: a subcommand imports its world when it is called: an adapter at a region's edge needs no Faust.
Must not: hold logic: each command reads its arguments, calls one thing, and prints.
"""
