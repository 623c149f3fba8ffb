"""HTML for mail and browser: one file, light and dark.

Styles are inline, but for those of cells: there are hundreds, and a mail above 100 kB is cut off by some readers. Where
styles of the page are ignored, attributes keep them aligned.
"""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from reports.view import ReportView


def render_html(view: ReportView) -> str:
    """The report as a complete HTML page; every value is escaped."""
    return _template().render(view=view)


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2")
