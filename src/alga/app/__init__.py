"""The context of one command: the outside world, the session with a profile, and the timer."""
