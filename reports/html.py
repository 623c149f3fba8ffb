"""HTML for mail and browser: one file, light and dark, and for a phone.

Styles are inline, but for those of cells: there are hundreds, and a mail above 100 kB is cut off by some readers. Where
styles of the page are ignored, attributes keep them aligned. A table with many columns stands its cells below each
other on a phone, each with the name of its column.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from reports.inert import inert
from reports.tables import NOTHING, Table
from reports.view import ReportView, charts_by_section

#: How wide a chart is shown, in CSS pixels, where there is room; it is drawn with twice as many.
CHART_WIDTH = 480

#: Characters of the widest cells, beside each other, that a phone shows without scrolling.
_PHONE = 44


def render_html(view: ReportView, pictures: Mapping[str, str] | None = None) -> str:
    """The report as a complete HTML page; every value is escaped.

    Parameters
    ----------
    pictures : mapping of the name of a chart to an address, optional
        Where the pictures of charts are, such as ``cid:...`` in a mail; a chart without one is left out.
    """
    view = inert(view)
    alone, placed = charts_by_section(view)
    return _template().render(
        view=view, pictures=pictures or {}, alone=alone, placed=placed, width=CHART_WIDTH, is_wide=_is_wide
    )


def _is_wide(table: Table) -> bool:
    """Whether a phone has no room for the columns beside each other."""
    rows = [table.header, *table.rows]
    words = [row[-1] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(table.header))]
    # The last column is wrapped, if it is of words.
    widths[-1] = widths[-1] if len(widths) - 1 in table.numeric else min(max(map(len, words)), 12)
    return len(widths) > 2 and sum(widths) + 2 * len(widths) > _PHONE


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["NOTHING"] = NOTHING
    return environment.get_template("report.html.j2")
