"""The lending department of a city library."""
