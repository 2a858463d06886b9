"""Measuring results against paired references."""
