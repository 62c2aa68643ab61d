"""Adapters at the edge: each knows one protocol and nothing of our tables. No database, no blueprint."""
