"""The training of the noise estimator."""
