"""How households use water over the year: monthly volumes with the shape and the spread of real bills.

The numbers were derived from the City of Santa Monica's open customer water bills, 2014-2016 (data.smgov.net, dataset
4nnq-5vzx "Water Usage"; by way of California-Data-Collaborative/RateParser, MIT licence): 795 single-family homes, bills of
two months. See docs/data-sources.md for how. Only the shape is theirs; the level is China's.
"""

from __future__ import annotations

import math
from random import Random

# Median of bill over the household's own mean, both as logarithms, by the month in the middle of the bill; January first.
SEASON = (0.916, 0.834, 0.864, 1.005, 1.064, 1.208, 1.171, 1.138, 1.234, 1.117, 1.019, 0.901)
# Standard deviations of logarithms, from the distance between the 16th and the 84th percentile.
BETWEEN_HOUSEHOLDS = 0.62
BILL_TO_BILL = 0.30
# Those homes water gardens; ours are flats. Half of every deviation (as logarithm) is kept.
FLAT = 0.5
# 135 litres per person and day, within the 120-180 that GB/T 50331 gives for Zhejiang.
PERSON_MONTH = 0.135 * 365 / 12


def level(random: Random, people: int) -> float:
    """A household's mean use in m³ a month."""
    return people * PERSON_MONTH * math.exp(random.gauss(0, BETWEEN_HOUSEHOLDS * FLAT))


def month_use(random: Random, mean: float, month: int) -> float:
    """Use in one calendar month (1-12), m³."""
    return mean * math.exp(FLAT * (math.log(SEASON[month - 1]) + random.gauss(0, BILL_TO_BILL)))
