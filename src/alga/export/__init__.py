"""Exports: entries as rows, and rows as files that other software opens."""
