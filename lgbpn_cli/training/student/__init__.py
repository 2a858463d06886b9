"""The distillation of a student from a teacher's results."""
