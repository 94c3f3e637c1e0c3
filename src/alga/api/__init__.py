"""The AlgaPSA time-entries API, as published and as deployed."""
