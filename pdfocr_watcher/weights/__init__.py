"""Weights of networks that are no part of this package: which there are, where they lie, how they get there."""
