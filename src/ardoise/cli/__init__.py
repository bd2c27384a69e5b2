"""The command line: train, evaluate, predict, data."""
