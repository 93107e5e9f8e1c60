"""Does the gateway keep its promises whatever happens to it?

One seed drives a broker, one or several gateway processes, their store, a simulated CBP with books of its own, the
network between them, crashes and the clock. After each step an auditor with its own reading of the truth compares
CBP's books, the network's journal and the gateway's store.

``python -m tests.simulation --seed N`` runs one seed and shows its last steps; see ``tests/simulation/__main__.py``.
"""
