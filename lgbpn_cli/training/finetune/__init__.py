"""Fine-tuning: a model learns the noise of somebody's own photos."""
