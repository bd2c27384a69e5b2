"""The engine: layers, losses, optimisers and training, in NumPy alone."""
