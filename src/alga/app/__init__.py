"""One command's world: what it touches outside, its session with a profile, and the timer."""
