"""A study as one HTML file: light and dark, for a desk, a phone and paper; it loads nothing from elsewhere."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from reports.charts.chart import Chart
from reports.study.charts import study_charts
from reports.study.pictures import pictures
from reports.study.view import SIMULATED, StudyView, study_view

if TYPE_CHECKING:
    from signals.study.result import StudyResult


def study_page(result: StudyResult, charts: Mapping[str, bytes] | None = None) -> str:
    """A study as a complete page; every value is escaped.

    Parameters
    ----------
    charts : mapping of the name of a chart to a PNG, optional
        Drawn where they are not given, which loads matplotlib; a chart that is not in the mapping is left out.
    """
    view, bodies = study_view(result), pictures(result) if charts is None else charts
    drawn = {name: f"data:image/png;base64,{base64.b64encode(body).decode()}" for name, body in bodies.items()}
    return _template().render(view=view, banner=SIMULATED, pictures=drawn, placed=placed(view, study_charts(result)))


def placed(view: StudyView, charts: Sequence[Chart]) -> dict[str, list[Chart]]:
    """The charts by the key of the section they stand in; after the answer where there is none of it."""
    keys = {section.key for section in view.sections}
    found: dict[str, list[Chart]] = {}
    for chart in charts:
        found.setdefault(chart.section if chart.section in keys else "answer", []).append(chart)
    return found


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("study.html.j2")
