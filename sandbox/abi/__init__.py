"""What would CBP say to a broker's CATAIR file? Batches cut, edited and kept by columns of our own, and answered."""
