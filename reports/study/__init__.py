"""A study for people and programs: words and tables, charts, a page, JSON and CSV, from what a study found."""
