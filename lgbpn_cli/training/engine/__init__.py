"""What every training shares: the loop, its checkpoints, its optimiser, several processes."""
