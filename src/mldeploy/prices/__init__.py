"""What a machine costs: dated tables, look-up, and amounts as people read them.

Every price is on demand, Linux, shared tenancy. A spot machine costs at most that: its price moves
by the minute and is in no table.
"""

from mldeploy.prices.amounts import (
    HOURS_A_MONTH,
    Price,
    by_parts,
    cost_so_far,
    money,
)
from mldeploy.prices.files import RegionPrices, Size
from mldeploy.prices.table import STALE_AFTER, Table, table
from mldeploy.prices.tag import as_tag, from_tag

__all__ = [
    "HOURS_A_MONTH",
    "STALE_AFTER",
    "Price",
    "RegionPrices",
    "Size",
    "Table",
    "as_tag",
    "by_parts",
    "cost_so_far",
    "from_tag",
    "money",
    "table",
]
