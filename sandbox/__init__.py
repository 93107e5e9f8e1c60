"""What would CBP say? A stateful stand-in for CBP with its own clock, rule book date and memory (see
``docs/sandbox.md``).
"""
