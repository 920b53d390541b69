"""Clients of the providers, and simulators that stand in for them."""
