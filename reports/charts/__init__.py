"""Charts that answer a question: described as data from figures alone, and drawn by one module that nothing else loads.

`build.charts_of` describes those of a report, `load.report_charts` reads what they need from storage, and `draw.png`
draws one.
"""
