"""Noise to lay on pictures: a camera's, a photo's own, grain."""
