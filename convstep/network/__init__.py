"""A network file becomes a checked graph."""

from convstep.network.load import load

__all__ = ["load"]
