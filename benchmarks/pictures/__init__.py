"""``python -m benchmarks.pictures``: pictures unlike MNIST's, and how they read.

Every picture is made of MNIST digits by what is written down here, from a seed, or of
digits that others collected. Figures go to ``records/pictures``.
"""
