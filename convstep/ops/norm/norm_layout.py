"""What belongs together in a norm: which numbers share a mean, and which share an element of the weight."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from convstep.ops.base import IntArray, Shape
from convstep.ops.lines import Lines


@dataclass(frozen=True)
class Layout:
    """A tensor as (samples, groups, channels a group, places); `pooled`: a group goes through all samples.

    Statistics are taken over each group; weight and bias have one element for each channel of each group.
    """

    samples: int
    groups: int
    channels: int
    places: int
    pooled: bool = False

    @property
    def shape(self) -> Shape:
        return (self.samples, self.groups, self.channels, self.places)

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes over which statistics are taken."""
        return (0, 2, 3) if self.pooled else (2, 3)

    @property
    def group_size(self) -> int:
        return self.channels * self.places * (self.samples if self.pooled else 1)

    @cached_property
    def _strides(self) -> tuple[int, int]:
        """How many elements a group has within a sample, and how many a sample has."""
        return self.channels * self.places, self.groups * self.channels * self.places

    def group(self, index: IntArray) -> IntArray:
        """The group of each element."""
        group: IntArray = index // self._strides[0]
        return group % self.groups if self.pooled else group

    def channel(self, index: IntArray) -> IntArray:
        """The element of weight and bias that each element meets."""
        channel: IntArray = index % self._strides[1] // self.places
        return channel

    def members(self, group: IntArray) -> IntArray:
        """The elements of m groups, ascending: (m, group size)."""
        own, sample = self._strides
        within = np.arange(own)
        if self.pooled:
            within = (np.arange(self.samples)[:, None] * sample + within).reshape(-1)
        members: IntArray = (group * own)[:, None] + within
        return members

    def channel_members(self, channel: IntArray) -> IntArray:
        """The elements that meet m elements of weight and bias, ascending: (m, samples · places)."""
        return Lines(self.samples, self.groups * self.channels, self.places).across(channel)

    def ends(self, group: IntArray) -> tuple[IntArray, IntArray]:
        """The first and the last element of each group."""
        own, sample = self._strides
        first = group * own
        return first, first + own - 1 + ((self.samples - 1) * sample if self.pooled else 0)

    def channel_ends(self, channel: IntArray) -> tuple[IntArray, IntArray]:
        """The first and the last element that meets each element of weight and bias."""
        first = channel * self.places
        return first, first + self.places - 1 + (self.samples - 1) * self._strides[1]
