"""The computer: its devices and memory, and the time that a command takes of it."""
