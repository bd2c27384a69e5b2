"""Several computers: the ranks of MPI, who watches over them, and what they would gain.

The training itself is the engine's (`ardoise.engine.ranks`); here is what surrounds it.
"""
