"""Published values that cannot be right, each with the reason. docs/data-notes.md has the same list for readers.

A print is dropped only when the file still shows exactly the wrong value: should its publisher mend it, the mended
value is used.
"""

import datetime as dt

#: (series, day) -> the wrong value, in the units of the series.
WRONG_PRINTS = {
    # The settlement of the August contract, copied to June: 154.50 on the old scale.
    ("VX.2007-06-20", dt.date(2006, 11, 20)): 15.45,
    # Listing day of two contracts, while their neighbours settled near 23.
    ("VX.2009-01-21", dt.date(2008, 4, 21)): 1.0,
    ("VX.2009-02-18", dt.date(2008, 4, 21)): 1.0,
    # Change of -14.02 on a day without trade, with the contract below at 34.22.
    ("VX.2009-08-19", dt.date(2008, 10, 30)): 18.14,
}
