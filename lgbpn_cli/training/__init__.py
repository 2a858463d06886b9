"""Training on noisy photos alone."""
