"""Training of the network for camera raw: scenes, sensors, lessons and the run."""
