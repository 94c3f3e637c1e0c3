"""The domain: times, intervals, entries, errors. This package touches neither a server nor the screen."""
