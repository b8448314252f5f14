"""What the keys of a dialog do: one wording in all of them."""

from __future__ import annotations


def keys(*told: str, escape: str = "closes") -> str:
    """`enter goes there · a adds · esc closes`: what keys do, and at the end how the dialog is left."""
    return " · ".join([*told, f"esc {escape}"])
