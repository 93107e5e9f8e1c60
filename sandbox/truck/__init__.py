"""What would CBP say to a truck manifest? X12 read with pyx12 and maps of the sandbox's own, judged, kept, answered."""
