"""
The source kind `webhook`: a system that pushes its changes to us as signed JSON.

Why: an answer of 2xx is a promise, so it is given only after what was pushed lies on our disk.
Must not: import the HTTP server before it is needed: other kinds of source do not pay for it.
"""
