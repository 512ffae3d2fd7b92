"""What a renderer's process does to itself before it touches a PDF: it gives up all that rendering does not need.

This package runs inside that process, on a bare interpreter, and so imports nothing of ours from outside of itself and
little else: every module costs milliseconds of each start. Who starts it, and with which limits, is in `confine` and
`protection`.
"""
