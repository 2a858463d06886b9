"""tqdm's bars without the semaphore that they would share with other processes.

Such a semaphore is a file in /dev/shm, which a run that is killed leaves behind; here one process draws.
"""

from __future__ import annotations

import threading

from tqdm import tqdm

__all__ = ["tqdm"]

tqdm.set_lock(threading.RLock())
