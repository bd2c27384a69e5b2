"""The bug gallery: twelve broken networks to mend, and the checks that judge the mends.

A learner gets a file of plain NumPy and some digits. What decides whether it is mended
lies here and not in that file: `checks` runs it in a process of its own, asks its
functions about inputs that the file has never seen, and compares the answers with its
own computations. `ardoise lesson` says the outcome.
"""
