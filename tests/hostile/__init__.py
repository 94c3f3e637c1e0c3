"""A hostile world: answers, people, files and other programs that do what none should."""
