"""The client of the AlgaPSA time-entries API, published and deployed."""
