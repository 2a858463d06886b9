"""The training of LG-BPN, the teacher, on noisy photos alone."""
