"""Data that is fetched from a network: Fashion-MNIST and EMNIST's letters.

`table` says what they are and where they lie, `data` loads them, `cache` keeps them,
and `download` brings them from the first of several mirrors that has them whole.
"""
