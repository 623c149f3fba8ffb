"""Seven remembered days of two rule sets, written down by hand: what is held, why, and what is ordered.

Not there in the recorded data: the breadth of the exchange from 2020-02-11 on, VIX3M from 2025-11 on, VVIX from 2026-05
on; and the dates of CPI and PPI of most years, so that an event ahead is unknown on five of the seven days.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.signals.raw_market import LADDER, SEED


@dataclass(frozen=True)
class Entry:
    """A purchase that stands behind what is held on a remembered day: decided at one close, filled at the next."""

    decided: str
    action: str
    expiry: str
    strikes: tuple[float, ...]
    state: str
    contracts: float
    paid: float


@dataclass(frozen=True)
class Held:
    """One layer on a remembered day: whole contracts held, their mark, and contracts from the next close on."""

    action: str
    opened: str
    rounded: int
    mark: float
    target: float
    next_roll: str
    is_expiry: bool
    fills: list[str]


@dataclass(frozen=True)
class Standing:
    """State and score, standing and net cost of the budget, and P&L since the inception."""

    state: str
    score: float
    budget: str
    net_cost: float
    pnl: float


@dataclass(frozen=True)
class Day:
    """A remembered day."""

    book: Standing
    l1: Held
    l2: Held
    l3: Held


#: By rule set, layer and day of the fill. In the comments: days to expiry, the future, which strikes are nearest; mark
#: and half-spread; what the size buys.
ENTRIES = {
    # 216 days, VX 16.875, VVIX 104.12; deltas 29: 0.313, 30: 0.302, 31: 0.292; 1.6017 + 0.0961 = 1.6978; 0.4% x
    # 1 (ACTIVE) of 1,000,000 / 169.78 = 23.56; filled at 1.3457 + 0.0807.
    (SEED, "l3", "2017-05-19"): Entry("2017-05-18", "ROLL", "2017-12-20", (30,), "ACTIVE", 23.560, 1.4264),
    # 7 days, VX 10.882 between its neighbours, VVIX 84.52; 1.10/1.35/1.60 F are 11.97/14.69/17.41, and 17.5
    # comes down to 17, 2.5 above 14.5 for the 2.5 below; 0.1212 + 0.0800 = 0.2012; 0.05% x 0.25 (DORMANT) of
    # 1,000,000 / 20.12 = 6.21; filled at 0.0765 + 0.0800.
    (SEED, "l1", "2017-06-01"): Entry("2017-05-31", "OPEN", "2017-06-07", (12, 14.5, 17), "DORMANT", 6.213, 0.1565),
    # 49 days, VX 12.675, VVIX 84.52; deltas 14: 0.420, 14.5: 0.382, 15: 0.350, 21: 0.165, 22: 0.152, 23: 0.141;
    # 0.4992 + 0.0741 = 0.5733; 0.8% x 0.25 (DORMANT) of 1,000,000 / 57.33 = 34.89; filled at 0.4491 + 0.0677.
    (SEED, "l2", "2017-06-01"): Entry("2017-05-31", "ROLL", "2017-07-19", (14.5, 22), "DORMANT", 34.886, 0.5169),
    # 216 days, VX 15.175, VVIX 103.68; deltas 26: 0.312, 27: 0.300, 28: 0.290; 1.4306 + 0.0858 = 1.5164; 0.4% x
    # 1 (ACTIVE) (net cost 3.541%: its stop leaves this layer alone) of 1,000,000 / 151.64 = 26.38; filled at
    # 1.3987 + 0.0839.
    (SEED, "l3", "2018-01-19"): Entry("2018-01-18", "ROLL", "2018-08-22", (27,), "ACTIVE", 26.378, 1.4826),
    # 56 days, VX 12.925, VVIX 99.77; deltas 14.5: 0.433, 15: 0.402, 15.5: 0.375, 25: 0.161, 26: 0.152, 27:
    # 0.145; 0.6436 + 0.0917 = 0.7353; 0.8% x 0.5 (GUARDED) x 1.25 (carry at its 17th percentile) x 0.5 (net
    # cost 3.504%, above its stop) of 1,000,000 / 73.53 = 34.00; filled at 0.6691 + 0.0952.
    (SEED, "l2", "2018-01-25"): Entry("2018-01-24", "ROLL", "2018-03-21", (15, 26), "GUARDED", 33.999, 0.7642),
    # 7 days, VX 13.508 between its neighbours, VVIX 108.41; 1.10/1.35/1.60 F are 14.86/18.24/21.61, and 22
    # comes down to 21, 3 above 18 for the 3 below; 0.1677 + 0.0913 = 0.2590; 0.05% x 1 (ACTIVE) of 1,000,000 /
    # 25.90 = 19.31; filled at 0.1473 + 0.0863.
    (SEED, "l1", "2018-02-01"): Entry("2018-01-31", "OPEN", "2018-02-07", (15, 18, 21), "ACTIVE", 19.306, 0.2336),
    # 216 days, VX 17.125, VVIX 90.38; deltas 28: 0.313, 29: 0.301, 30: 0.290; 1.5484 + 0.0929 = 1.6413; 0.4% x
    # 0.25 (DORMANT) of 1,000,000 / 164.13 = 6.09; filled at 1.5685 + 0.0941.
    (SEED, "l3", "2020-01-17"): Entry("2020-01-16", "ROLL", "2020-08-19", (29,), "DORMANT", 6.093, 1.6626),
    # 7 days, VX 25.815 between its neighbours, VVIX 113.44; 1.10/1.35/1.60 F are 28.40/34.85/41.30, and 42.5
    # comes down to 40, 5 above 35 for the 7 below; 0.5003 + 0.1577 = 0.6580; 0.05% x 1 (ACTIVE) of 1,000,000 /
    # 65.80 = 7.60; filled at 3.7509 + 0.8075.
    (SEED, "l1", "2020-02-27"): Entry("2020-02-26", "OPEN", "2020-03-04", (28, 35, 40), "ACTIVE", 7.599, 4.5584),
    # 49 days, VX 20.975, VVIX 113.44; deltas 24: 0.426, 25: 0.392, 26: 0.363, 42.5: 0.163, 45: 0.152, 47.5:
    # 0.142; 1.0500 + 0.1539 = 1.2039; 0.8% x 1 (ACTIVE) x 1.25 (carry at its 1st percentile) of 1,000,000 /
    # 120.39 = 83.07; filled at 1.6622 + 0.2212.
    (SEED, "l2", "2020-02-27"): Entry("2020-02-26", "ROLL", "2020-04-15", (25, 45), "ACTIVE", 83.065, 1.8835),
    # 7 days, VX 46.350, VVIX 146.93; 1.10/1.35/1.60 F are 50.99/62.57/74.16; 1.2410 + 0.4240 = 1.6649; 0.05% x
    # 1.5 (EXPANDED) of 1,000,000 / 166.49 = 4.50; filled at 4.5162 + 1.0977.
    (SEED, "l1", "2020-03-12"): Entry("2020-03-11", "OPEN", "2020-03-18", (50, 65, 75), "EXPANDED", 4.505, 5.6138),
    # 216 days, VX 26.353, VVIX 134.49; deltas 50: 0.313, 55: 0.288, 60: 0.269; 2.6012 + 0.1561 = 2.7572; 0.4% x
    # 0.25 (DORMANT) of 1,000,000 / 275.72 = 3.63; filled at 2.6218 + 0.1573.
    (SEED, "l3", "2022-02-18"): Entry("2022-02-17", "ROLL", "2022-09-21", (55,), "DORMANT", 3.627, 2.7791),
    # 56 days, VX 29.136, VVIX 98.79; deltas 33: 0.423, 34: 0.396, 35: 0.372, 55: 0.165, 60: 0.146, 65: 0.132;
    # 1.4373 + 0.2013 = 1.6385; 0.8% x 0.25 (DORMANT) x 1.25 (carry at its 22nd percentile) of 1,000,000 /
    # 163.85 = 15.26; filled at 1.3884 + 0.1918.
    (SEED, "l2", "2022-05-26"): Entry("2022-05-25", "ROLL", "2022-07-20", (34, 60), "DORMANT", 15.258, 1.5803),
    # 7 days, VX 24.699, VVIX 92.68; 1.10/1.35/1.60 F are 27.17/33.34/39.52, and 40 comes down to 39, 6 above 33
    # for the 6 below; 0.3345 + 0.1111 = 0.4456; 0.05% x 0.5 (GUARDED) of 1,000,000 / 44.56 = 5.61; filled at
    # 0.5990 + 0.1553.
    (SEED, "l1", "2022-06-09"): Entry("2022-06-08", "OPEN", "2022-06-15", (27, 33, 39), "GUARDED", 5.611, 0.7543),
    # 216 days, VX 18.558, VVIX 85.72; deltas 29: 0.317, 30: 0.305, 31: 0.293; 1.6660 + 0.1000 = 1.7660; 0.4% x
    # 0.25 (DORMANT) of 1,000,000 / 176.60 = 5.66; filled at 1.5675 + 0.0940.
    (SEED, "l3", "2024-06-21"): Entry("2024-06-20", "ROLL", "2025-01-22", (30,), "DORMANT", 5.662, 1.6615),
    # 7 days, VX 16.240 between its neighbours, VVIX 94.25; 1.10/1.35/1.60 F are 17.86/21.92/25.98; 0.2015 +
    # 0.0906 = 0.2922; 0.05% x 0.5 (GUARDED) of 1,000,000 / 29.22 = 8.56; filled at 0.5453 + 0.1508.
    (SEED, "l1", "2024-08-01"): Entry("2024-07-31", "OPEN", "2024-08-07", (18, 22, 26), "GUARDED", 8.557, 0.6962),
    # 49 days, VX 16.493, VVIX 94.25; deltas 18.5: 0.416, 19: 0.390, 19.5: 0.367, 30: 0.156, 31: 0.148, 32:
    # 0.142; 0.7340 + 0.1051 = 0.8391; 0.8% x 0.5 (GUARDED) x 1.25 (carry at its 18th percentile) of 1,000,000 /
    # 83.91 = 59.59; filled at 1.1203 + 0.1613.
    (SEED, "l2", "2024-08-01"): Entry("2024-07-31", "ROLL", "2024-09-18", (19, 31), "GUARDED", 59.590, 1.2816),
    # 225 days, VX 19.700, VVIX 114.82; deltas 35: 0.310, 36: 0.301, 37: 0.294; 1.9428 + 0.1166 = 2.0594; 0.4% x
    # 1 (ACTIVE) of 1,000,000 / 205.94 = 19.42; filled at 1.9296 + 0.1158.
    (SEED, "l3", "2024-10-09"): Entry("2024-10-08", "OPEN", "2025-05-21", (36,), "ACTIVE", 19.423, 2.0454),
    # 209 days, VX 19.451, VVIX 94.99; deltas 32: 0.308, 33: 0.298, 34: 0.288; 1.7500 + 0.1050 = 1.8550; 0.4% x
    # 0.25 (DORMANT) of 1,000,000 / 185.50 = 5.39; filled at 1.9647 + 0.1179.
    (SEED, "l3", "2025-02-21"): Entry("2025-02-20", "ROLL", "2025-09-17", (33,), "DORMANT", 5.391, 2.0826),
    # 56 days, VX 19.150, VVIX 90.24; deltas 21: 0.442, 22: 0.395, 23: 0.356, 35: 0.158, 36: 0.151, 37: 0.145;
    # 0.8736 + 0.1253 = 0.9989; 0.8% x 0.25 (DORMANT) of 1,000,000 / 99.89 = 20.02; filled at 0.8653 + 0.1231.
    (SEED, "l2", "2025-03-27"): Entry("2025-03-26", "ROLL", "2025-05-21", (22, 36), "DORMANT", 20.022, 0.9884),
    # 7 days, VX 20.833 between its neighbours, VVIX 118.37; 1.10/1.35/1.60 F are 22.92/28.12/33.33; 0.3053 +
    # 0.1337 = 0.4390; 0.05% x 1 (ACTIVE) of 1,000,000 / 43.90 = 11.39; filled at 2.2953 + 0.6194.
    (SEED, "l1", "2025-04-03"): Entry("2025-04-02", "OPEN", "2025-04-09", (23, 28, 33), "ACTIVE", 11.389, 2.9146),
    # 212 days, VX 16.900, VVIX 101.49; deltas 19: 0.509, 19.5: 0.492, 20: 0.477; 2.5682 + 0.1541 = 2.7222; 2 of
    # 4:4:2 contracts is 0.2792% of 1,000,000 / 272.22 = 10.26; filled at 2.5308 + 0.1518.
    (LADDER, "l3", "2017-04-18"): Entry("2017-04-17", "ROLL", "2017-11-15", (19.5,), "", 10.257, 2.6827),
    # 28 days, VX 14.498 between its neighbours, VVIX 111.48; deltas 14.5: 0.553, 15: 0.508, 15.5: 0.468; 1.4185
    # + 0.0851 = 1.5036; 4 of 4:4:2 contracts is 0.2862% of 1,000,000 / 150.36 = 19.04; filled at 1.2446 +
    # 0.0747.
    (LADDER, "l1", "2017-05-18"): Entry("2017-05-17", "OPEN", "2017-06-14", (15,), "", 19.036, 1.3193),
    # 113 days, VX 14.725, VVIX 84.3; deltas 15.5: 0.516, 16: 0.486, 16.5: 0.459; 1.7097 + 0.1026 = 1.8123; 4 of
    # 4:4:2 contracts is 0.4412% of 1,000,000 / 181.23 = 24.35; filled at 1.6882 + 0.1013.
    (LADDER, "l2", "2017-05-31"): Entry("2017-05-30", "ROLL", "2017-09-20", (16,), "", 24.347, 1.7895),
    # 203 days, VX 15.925, VVIX 100.16; deltas 17.5: 0.520, 18: 0.501, 18.5: 0.483; 2.4277 + 0.1457 = 2.5733; 2
    # of 4:4:2 contracts is 0.2947% of 1,000,000 / 257.33 = 11.45; filled at 2.4044 + 0.1443.
    (LADDER, "l3", "2017-10-26"): Entry("2017-10-25", "ROLL", "2018-05-16", (18,), "", 11.451, 2.5487),
    # 100 days, VX 14.075, VVIX 92.06; deltas 14.5: 0.537, 15: 0.504, 15.5: 0.474; 1.7036 + 0.1022 = 1.8059; 4
    # of 4:4:2 contracts is 0.4427% of 1,000,000 / 180.59 = 24.51; filled at 1.7107 + 0.1026.
    (LADDER, "l2", "2017-12-12"): Entry("2017-12-11", "ROLL", "2018-03-21", (15,), "", 24.513, 1.8134),
    # 28 days, VX 12.365 between its neighbours, VVIX 99.77; deltas 12.5: 0.531, 13: 0.474, 13.5: 0.426; 1.0161
    # + 0.0610 = 1.0770; 4 of 4:4:2 contracts is 0.2575% of 1,000,000 / 107.70 = 23.91; filled at 1.0874 +
    # 0.0652.
    (LADDER, "l1", "2018-01-25"): Entry("2018-01-24", "OPEN", "2018-02-21", (13,), "", 23.905, 1.1527),
    # 233 days, VX 19.050, VVIX 98.91; deltas 21: 0.522, 22: 0.493, 23: 0.467; 2.9566 + 0.1774 = 3.1340; 2 of
    # 4:4:2 contracts is 0.2834% of 1,000,000 / 313.40 = 9.04; filled at 3.1011 + 0.1861.
    (LADDER, "l3", "2019-12-03"): Entry("2019-12-02", "ROLL", "2020-07-22", (22,), "", 9.044, 3.2871),
    # 114 days, VX 17.425, VVIX 107.39; deltas 18.5: 0.523, 19: 0.501, 19.5: 0.481; 2.3332 + 0.1400 = 2.4732; 4
    # of 4:4:2 contracts is 0.4296% of 1,000,000 / 247.32 = 17.37; filled at 2.0973 + 0.1258.
    (LADDER, "l2", "2020-01-28"): Entry("2020-01-27", "ROLL", "2020-05-20", (19,), "", 17.372, 2.2232),
    # 28 days, VX 15.375, VVIX 95.92; deltas 15.5: 0.533, 16: 0.484, 16.5: 0.442; 1.2473 + 0.0748 = 1.3221; 4 of
    # 4:4:2 contracts is 0.2645% of 1,000,000 / 132.21 = 20.00; filled at 1.5510 + 0.0931.
    (LADDER, "l1", "2020-02-20"): Entry("2020-02-19", "OPEN", "2020-03-18", (16,), "", 20.002, 1.6441),
    # 223 days, VX 26.525, VVIX 117.82; deltas 30: 0.520, 31: 0.501, 32: 0.483; 4.3504 + 0.2610 = 4.6114; 2 of
    # 4:4:2 contracts is 0.2845% of 1,000,000 / 461.14 = 6.17; filled at 4.1414 + 0.2485.
    (LADDER, "l3", "2022-01-07"): Entry("2022-01-06", "ROLL", "2022-08-17", (31,), "", 6.169, 4.3899),
    # 127 days, VX 29.592, VVIX 122.18; deltas 32: 0.524, 33: 0.502, 34: 0.481; 4.2977 + 0.2579 = 4.5556; 4 of
    # 4:4:2 contracts is 0.4345% of 1,000,000 / 455.56 = 9.54; filled at 3.6741 + 0.2204.
    (LADDER, "l2", "2022-03-16"): Entry("2022-03-15", "OPEN", "2022-07-20", (33,), "", 9.538, 3.8946),
    # 28 days, VX 25.633 between its neighbours, VVIX 92.68; deltas 25: 0.588, 26: 0.521, 27: 0.463; 2.1862 +
    # 0.1312 = 2.3173; 4 of 4:4:2 contracts is 0.2854% of 1,000,000 / 231.73 = 12.32; filled at 2.9331 + 0.1760.
    (LADDER, "l1", "2022-06-09"): Entry("2022-06-08", "OPEN", "2022-07-06", (26,), "", 12.318, 3.1091),
    # 218 days, VX 18.200, VVIX 93.19; deltas 19.5: 0.523, 20: 0.506, 21: 0.475; 2.8053 + 0.1683 = 2.9736; 2 of
    # 4:4:2 contracts is 0.2923% of 1,000,000 / 297.36 = 9.83; filled at 2.6468 + 0.1588.
    (LADDER, "l3", "2024-02-14"): Entry("2024-02-13", "ROLL", "2024-09-18", (20,), "", 9.831, 2.8056),
    # 107 days, VX 16.015, VVIX 73.46; deltas 16.5: 0.521, 17: 0.489, 17.5: 0.460; 1.7299 + 0.1038 = 1.8336; 4
    # of 4:4:2 contracts is 0.4458% of 1,000,000 / 183.36 = 24.31; filled at 1.7300 + 0.1038.
    (LADDER, "l2", "2024-05-07"): Entry("2024-05-06", "ROLL", "2024-08-21", (17,), "", 24.311, 1.8338),
    # 28 days, VX 16.123 between its neighbours, VVIX 94.25; deltas 16: 0.556, 16.5: 0.506, 17: 0.462; 1.3531 +
    # 0.0812 = 1.4343; 4 of 4:4:2 contracts is 0.2685% of 1,000,000 / 143.43 = 18.72; filled at 2.2418 + 0.1345.
    (LADDER, "l1", "2024-08-01"): Entry("2024-07-31", "OPEN", "2024-08-28", (16.5,), "", 18.718, 2.3763),
    # 114 days, VX 19.211, VVIX 106.8; deltas 20: 0.535, 21: 0.495, 22: 0.459; 2.5308 + 0.1518 = 2.6826; 4 of
    # 4:4:2 contracts is 0.4263% of 1,000,000 / 268.26 = 15.89; filled at 2.5429 + 0.1526.
    (LADDER, "l2", "2025-02-25"): Entry("2025-02-24", "ROLL", "2025-06-18", (21,), "", 15.889, 2.6955),
    # 233 days, VX 20.584, VVIX 118.74; deltas 23: 0.516, 24: 0.492, 25: 0.470; 3.3636 + 0.2018 = 3.5654; 2 of
    # 4:4:2 contracts is 0.2578% of 1,000,000 / 356.54 = 7.23; filled at 3.2989 + 0.1979.
    (LADDER, "l3", "2025-03-04"): Entry("2025-03-03", "ROLL", "2025-10-22", (24,), "", 7.230, 3.4968),
    # 28 days, VX 22.042 between its neighbours, VVIX 115.89; deltas 22: 0.557, 23: 0.500, 24: 0.451; 2.1946 +
    # 0.1317 = 2.3262; 4 of 4:4:2 contracts is 0.3326% of 1,000,000 / 232.62 = 14.30; filled at 2.4986 + 0.1499.
    (LADDER, "l1", "2025-03-13"): Entry("2025-03-12", "OPEN", "2025-04-09", (23,), "", 14.296, 2.6486),
}


DAYS = {
    # A calm day, the first after rolls: at DORMANT a quarter of its size each, but l3 was due on the day after the
    # VIX rose from 10.65 to 15.59, at ACTIVE, and is whole. CPI of that year is not known.
    ("2017-06-01", SEED): Day(
        Standing("DORMANT", 0.000, "alarm", 0.03053, -123387),
        l1=Held("HOLD", "2017-06-01", 6, 0.0765, 6.213, "2017-06-07", True, ["BUY 6.21"]),
        l2=Held("HOLD", "2017-06-01", 35, 0.4491, 34.886, "2017-06-28", False, ["SELL 83.53", "BUY 34.89"]),
        l3=Held("HOLD", "2017-05-19", 24, 1.1991, 23.560, "2017-09-21", False, []),
    ),
    ("2017-06-01", LADDER): Day(
        Standing("DORMANT", 0.000, "alarm", 0.04628, -201050),
        l1=Held("HOLD", "2017-05-18", 19, 0.1905, 19.036, "2017-06-14", True, []),
        l2=Held("HOLD", "2017-05-31", 24, 1.6215, 24.347, "2017-09-05", False, []),
        l3=Held("HOLD", "2017-04-18", 10, 1.7555, 10.257, "2017-10-25", False, []),
    ),
    # VIX 17.31 to 37.32. l1 is worth nothing: far above its last strike even wings leave neither gain nor debt. l2,
    # half of what it would have been but for the stop, cost 0.7642 and is worth 7.3642, 9.6 times that: a quarter
    # of it goes. l3 cost 1.4826 and is worth 3.4076; in this one session capm_premium fell from -0.31 to -1.75,
    # below -0.85: closed.
    ("2018-02-05", SEED): Day(
        Standing("EXPANDED", 3.000, "within", 0.00599, -114029),
        l1=Held("HOLD", "2018-02-01", 19, 0.0000, 19.306, "2018-02-07", True, []),
        l2=Held("MONETISE", "2018-01-25", 34, 7.3642, 25.499, "2018-02-28", False, []),
        l3=Held("CLOSE", "2018-01-19", 26, 3.4076, 0.000, "None", False, []),
    ),
    ("2018-02-05", LADDER): Day(
        Standing("EXPANDED", 3.000, "within", -0.02326, -159906),
        l1=Held("HOLD", "2018-01-25", 24, 19.1628, 23.905, "2018-02-21", True, []),
        l2=Held("HOLD", "2017-12-12", 25, 12.9594, 24.513, "2018-03-19", False, []),
        l3=Held("HOLD", "2017-10-26", 11, 5.1089, 11.451, "2018-05-04", False, []),
    ),
    # The first week of the crash: l2 rolled on the 26th into 25/45. l3 cost 1.6626, is worth 2.2647, and stays: the
    # VIX is 15.6 points above realised volatility, capm_premium -0.17. Of three points the indicators can give
    # without breadth they have two: 2.667 of 4.
    ("2020-02-28", SEED): Day(
        Standing("ACTIVE", 2.667, "within", -0.04824, -115269),
        l1=Held("HOLD", "2020-02-27", 8, 4.0877, 7.599, "2020-03-04", True, []),
        l2=Held("HOLD", "2020-02-27", 83, 1.5778, 83.065, "2020-03-25", False, []),
        l3=Held("HOLD", "2020-01-17", 6, 2.2647, 6.093, "2020-05-21", False, []),
    ),
    ("2020-02-28", LADDER): Day(
        Standing("ACTIVE", 2.667, "within", 0.00711, -223202),
        l1=Held("HOLD", "2020-02-20", 20, 10.3168, 20.002, "2020-03-18", True, []),
        l2=Held("HOLD", "2020-01-28", 17, 4.1054, 17.372, "2020-05-04", False, []),
        l3=Held("HOLD", "2019-12-03", 9, 3.0674, 9.044, "2020-06-10", False, []),
    ),
    # VIX 82.69. Of l2 a quarter was sold on the way, on the 13th (83.07 to 62.30); it is worth 16.59 of at most 20
    # points. l3 is worth 8.3086, 4.997 times its 1.6626: a hair less than what would sell a quarter. capm_premium
    # is -0.68, and on one of the last five sessions only was the VIX below realised volatility: held. The next day
    # it is -0.87, and l3 closed.
    ("2020-03-16", SEED): Day(
        Standing("EXPANDED", 3.333, "within", -0.16749, 2683),
        l1=Held("HOLD", "2020-03-12", 5, 8.8530, 4.505, "2020-03-18", True, []),
        l2=Held("HOLD", "2020-02-27", 62, 16.5921, 62.299, "2020-03-25", False, []),
        l3=Held("HOLD", "2020-01-17", 6, 8.3086, 6.093, "2020-05-21", False, []),
    ),
    ("2020-03-16", LADDER): Day(
        Standing("EXPANDED", 3.333, "within", -0.13534, -83192),
        l1=Held("HOLD", "2020-02-20", 20, 56.6240, 20.002, "2020-03-18", True, []),
        l2=Held("HOLD", "2020-01-28", 17, 25.8602, 17.372, "2020-05-04", False, []),
        l3=Held("HOLD", "2019-12-03", 9, 13.6743, 9.044, "2020-06-10", False, []),
    ),
    # GUARDED by the RSI alone; the FOMC decides on the 15th, so l1 would buy as in ACTIVE, but holds. On the five
    # sessions up to the 10th the VIX was below realised volatility, but l3 cost 2.7791 and is worth 2.1661: a loss
    # is kept.
    ("2022-06-13", SEED): Day(
        Standing("GUARDED", 1.333, "within", 0.01914, -89164),
        l1=Held("HOLD", "2022-06-09", 6, 3.8039, 5.611, "2022-06-15", True, []),
        l2=Held("HOLD", "2022-05-26", 15, 2.3504, 15.258, "2022-06-29", False, []),
        l3=Held("HOLD", "2022-02-18", 4, 2.1661, 3.627, "2022-06-23", False, []),
    ),
    ("2022-06-13", LADDER): Day(
        Standing("GUARDED", 1.333, "within", 0.01791, -198756),
        l1=Held("HOLD", "2022-06-09", 12, 7.3161, 12.318, "2022-07-06", True, []),
        l2=Held("HOLD", "2022-03-16", 10, 3.8681, 9.538, "2022-06-21", False, []),
        l3=Held("HOLD", "2022-01-07", 6, 4.7655, 6.169, "2022-07-18", False, []),
    ),
    # VIX 23.39 to 38.57. l1, 18/22/26, is worth nothing with its future far above. l2 cost 1.2816 and is worth
    # 6.3334, 4.94 times that: not enough. l3 cost 1.6615 and is worth 3.6069; capm_premium fell to -0.52 only:
    # held, up to 7 October.
    ("2024-08-05", SEED): Day(
        Standing("ACTIVE", 2.667, "within", -0.00774, -120371),
        l1=Held("HOLD", "2024-08-01", 9, 0.0000, 8.557, "2024-08-07", True, []),
        l2=Held("HOLD", "2024-08-01", 60, 6.3334, 59.590, "2024-08-28", False, []),
        l3=Held("HOLD", "2024-06-21", 6, 3.6069, 5.662, "2024-10-24", False, []),
    ),
    ("2024-08-05", LADDER): Day(
        Standing("ACTIVE", 2.667, "within", -0.03383, -216184),
        l1=Held("HOLD", "2024-08-01", 19, 15.1216, 18.718, "2024-08-28", True, []),
        l2=Held("HOLD", "2024-05-07", 24, 15.0639, 24.311, "2024-08-12", False, []),
        l3=Held("HOLD", "2024-02-14", 10, 10.5977, 9.831, "2024-08-22", False, []),
    ),
    # VIX 52.33. l1 is worth nothing, above its strikes. l2 cost 0.9884 and is worth 5.5466, 5.6 times that: a
    # quarter of 20.02 goes. l3, bought at DORMANT in February for 2.0826, is worth 3.4880; capm_premium is -0.45:
    # held until the 15th, the fifth session in a row with the VIX below realised volatility.
    ("2025-04-08", SEED): Day(
        Standing("EXPANDED", 3.333, "within", 0.01024, -154661),
        l1=Held("HOLD", "2025-04-03", 11, 0.0000, 0.000, "2025-04-09", True, []),
        l2=Held("MONETISE", "2025-03-27", 20, 5.5466, 15.017, "2025-04-30", False, []),
        l3=Held("HOLD", "2025-02-21", 5, 3.4880, 5.391, "2025-06-20", False, []),
    ),
    ("2025-04-08", LADDER): Day(
        Standing("EXPANDED", 3.333, "within", -0.01982, -252025),
        l1=Held("HOLD", "2025-03-13", 14, 27.6821, 0.000, "2025-04-09", True, []),
        l2=Held("HOLD", "2025-02-25", 16, 7.9479, 15.889, "2025-06-02", False, []),
        l3=Held("HOLD", "2025-03-04", 7, 4.9895, 7.230, "2025-09-10", False, []),
    ),
}


#: What the recorded data do not have on the remembered days: the named indicator, and how the report says so.
BREADTH = "breadth_macd is unavailable and does not score: its last input is of 2020-02-10."
EVENTS = "event_risk is unknown: the schedules of FOMC, CPI and PPI do not reach far enough."
DOUBTS = {
    "2017-06-01": (EVENTS,),
    "2018-02-05": (EVENTS,),
    "2020-02-28": (BREADTH, EVENTS),
    "2020-03-16": (BREADTH, EVENTS),
    "2022-06-13": (BREADTH,),
    "2024-08-05": (BREADTH, EVENTS),
    "2025-04-08": (BREADTH,),
}
