"""A hostile world: answers, texts, files and other programs that do what none should.

Each test draws its cases from a seeded choice: few in `make test`, and other ones, as many as there is time for, in
`make soak`.
"""
