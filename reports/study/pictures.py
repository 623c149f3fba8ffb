"""The charts of a study as pictures. Loads matplotlib when it draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.study.charts import study_charts

if TYPE_CHECKING:
    from signals.study.result import StudyResult


def pictures(result: StudyResult) -> dict[str, bytes]:
    """Every chart as a PNG, by its name."""
    from reports.charts.draw import png

    return {chart.name: png(chart) for chart in study_charts(result)}
