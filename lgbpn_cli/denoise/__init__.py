"""The flow of one photo, from its samples to clean ones."""
