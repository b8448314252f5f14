"""A screen that is laid out once for a size, and painted once when it is put up."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from textual.geometry import Region, Size
from textual.screen import Screen
from textual.widget import Widget

_MOST_LAYOUTS = 3


class Once(Screen[Any], inherit_bindings=False):
    """Textual would do both again, and paint all of it where a part is enough."""

    rows_to_paint: set[int] | None = None
    """The rows that are being painted; None where all are."""

    @property
    def covers(self) -> set[Region]:
        """What it hides of the screens below it: everything."""
        return {self.app.size.region}

    def arrange_now(self) -> None:
        """Give everything its place, until nothing asks for another: a scroll bar comes once the lines are counted."""
        for _ in range(_MOST_LAYOUTS):
            asking = [widget for widget in self._compositor.visible_widgets if widget._layout_required]
            if not asking and not self._layout_required:
                return
            for widget in asking:
                widget._layout_required = False
                for above in widget.ancestors:
                    if isinstance(above, Widget):
                        above._clear_arrangement_cache()
                        above._layout_updates += 1
            self._refresh_layout(scroll=self._scroll_required)
            self._layout_required = self._scroll_required = False

    def paint_at_once(self, turned: Collection[Region] = ()) -> None:
        """Paint what has changed; where screens have come or gone, what has `turned` and what has changed behind it."""
        if turned and (not self._size or self.app.size.region in turned):
            self.refresh()
        elif turned:
            changed = (screen.take_changes() for screen in self.app._background_screens if isinstance(screen, Once))
            dirty = self.take_changes().union(turned, *changed)
            self._compositor._dirty_regions.update(dirty)
            self._compositor_refresh()
        self._on_timer_update()

    def paint_now(self) -> None:
        """Paint what has changed in one go, where nothing is held back. (Textual waits a frame for every layout.)"""
        if self.is_current and not self.app._batch_count:
            self.arrange_now()
            self.paint_at_once(self.covers)

    def take_changes(self) -> set[Region]:
        """What has changed since it was painted last, less what Textual asks for: to paint all of a screen."""
        compositor = self._compositor
        compositor.update_widgets({*compositor.visible_widgets} - {self})
        changed = compositor._dirty_regions - {self.size.region}
        compositor._dirty_regions.clear()
        self._exchange_repaint_regions()
        self._dirty_widgets.clear()
        self._repaint_required = False
        return changed

    def _extend_compose(self, widgets: list[Widget]) -> None:
        """Without Textual's own widgets for notifications and tooltips: there are none."""

    def _screen_resized(self, size: Size) -> None:
        # Textual sends what it has just laid out the size that it was laid out for, and would do it again.
        if size != self.outer_size:
            super()._screen_resized(size)

    def _compositor_refresh(self) -> None:
        # Drawn behind the curtain, or before the whole screen is painted in any case, it would be drawn in vain.
        if self.app._batch_count or (self._layout_required and self._repaint_required):
            return
        compositor = self._compositor
        # What was to be painted before the window became smaller has rows that are there no more.
        within = (region.intersection(compositor.size.region) for region in compositor._dirty_regions)
        compositor._dirty_regions = {region for region in within if region}
        self.rows_to_paint = {y for region in compositor._dirty_regions for y in region.line_range}
        super()._compositor_refresh()
        self.rows_to_paint = None
