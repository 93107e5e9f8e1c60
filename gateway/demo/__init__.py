"""A day's work in one go: made-up parcels, a simulated CBP, and what became of them."""
