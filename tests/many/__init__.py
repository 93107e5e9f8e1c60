"""Several gateway processes on one PostgreSQL, killed and paused under load, beside one simulated CBP."""
