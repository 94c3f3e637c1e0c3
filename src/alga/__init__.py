"""alga: the command-line time tracker for AlgaPSA."""

__version__ = "0.1.0"
