"""A carrier to try things with: a process of its own on loopback that sends nothing to anybody.

`server.py` is the carrier, `adapter.py` our side of the socket; `outcomes.py` says which number does what.
"""
