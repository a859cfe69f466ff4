"""Folds: the fold of an aggregate, its state and blame at every version."""
