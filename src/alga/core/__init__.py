"""What is true wherever it is said: times, intervals, entries, errors. Nothing in here touches a server or a screen."""
