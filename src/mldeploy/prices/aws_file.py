"""A region's prices from the public price list file of AWS. Needs no account.

A file has some hundred megabytes: it is read row by row as it comes, and never kept.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Protocol

from mldeploy.errors import FailedError
from mldeploy.prices.files import Size
from mldeploy.prices.listed import Listed, Offer, collect

SERVER = "https://pricing.us-east-1.amazonaws.com"
PATIENCE = 30  # seconds without a byte
SAY_EVERY = 2.0  # seconds
COLUMNS = {  # the file's name of an attribute → the API's
    "Product Family": "productFamily",
    "Instance Type": "instanceType",
    "Operating System": "operatingSystem",
    "Tenancy": "tenancy",
    "Pre Installed S/W": "preInstalledSw",
    "CapacityStatus": "capacitystatus",
    "MarketOption": "marketoption",
    "operation": "operation",
    "usageType": "usagetype",
    "Group": "group",
    "vCPU": "vcpu",
    "Memory": "memory",
    "Physical Processor": "physicalProcessor",
    "GPU": "gpu",
    "Volume API Name": "volumeApiName",
}
NEEDED = {
    "TermType", "Unit", "PricePerUnit", "Currency", "Product Family", "Instance Type",
    "Operating System", "Tenancy", "Pre Installed S/W", "CapacityStatus",
}  # fmt: skip


class _Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


class _Counted(io.RawIOBase):
    """Passes bytes on, counting them."""

    def __init__(self, inner: _Readable, total: int, say: Callable[[str], None]) -> None:
        self._inner, self._total, self._say = inner, total, say
        self._told = time.monotonic()
        self.count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        data = self._inner.read(len(buffer))
        buffer[: len(data)] = data
        self.count += len(data)
        if time.monotonic() - self._told > SAY_EVERY:
            self._told = time.monotonic()
            of = f" of {self._total / 1e6:.0f}" if self._total else ""
            self._say(f"{self.count / 1e6:.0f}{of} MB of the price list read")
        return len(data)


def read(
    region: str, known: Mapping[str, Size], say: Callable[[str], None], server: str = SERVER
) -> Listed:
    """What the file of ``region`` says. Raises FailedError with what to do about it."""
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import urlopen

    url = f"{server}/offers/v1.0/aws/AmazonEC2/current/{region}/index.csv"
    if not url.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
        raise _failed(url, "a price list is read over https")
    try:
        with urlopen(url, timeout=PATIENCE) as answer:  # noqa: S310 - checked above
            total = int(answer.headers.get("Content-Length") or 0)
            counted = _Counted(answer, total, say)
            found = _parse(region, counted, known, url)
    except HTTPError as error:
        error.close()
        missing = " Is that the name of a region?" if error.code in (403, 404) else ""
        raise _failed(url, f"it answered {error.code} {error.reason}.{missing}") from error
    except (OSError, HTTPException) as error:  # no network, no name, no byte for half a minute
        raise _failed(url, f"{type(error).__name__}: {error}") from error
    except (ValueError, csv.Error) as error:
        raise _failed(url, f"it is no price list that we know: {error}") from error
    if total and counted.count < total:
        raise _failed(url, f"it broke off after {counted.count} of {total} bytes")
    return found


def _parse(region: str, file: io.RawIOBase, known: Mapping[str, Size], url: str) -> Listed:
    text = io.TextIOWrapper(io.BufferedReader(file, 1 << 20), encoding="utf-8", newline="")
    rows = csv.reader(text)
    about: dict[str, str] = {}
    for row in rows:  # a few lines about the file, then the names of its columns
        if row and row[0] == "SKU":
            break
        if len(row) > 1:
            about[row[0]] = row[1]
    else:
        raise _failed(url, "it has no line of column names: it is no price list")
    missing = NEEDED - set(row)
    if missing or "Publication Date" not in about:
        lacks = ", ".join(sorted(missing)) or "a publication date"
        raise _failed(url, f"it lacks {lacks}: AWS may have changed its form")
    dated = date.fromisoformat(about["Publication Date"][:10])
    return collect(region, dated, _offers(row, rows), known)


def _offers(names: list[str], rows: Iterator[list[str]]) -> Iterator[Offer]:
    at = {name: index for index, name in enumerate(names)}
    term, unit, price, currency = (
        at[name] for name in ("TermType", "Unit", "PricePerUnit", "Currency")
    )
    attributes = [(ours, at[theirs]) for theirs, ours in COLUMNS.items() if theirs in at]
    for row in rows:
        if len(row) != len(names) or row[term] != "OnDemand" or row[currency] != "USD":
            continue
        yield Offer({name: row[index] for name, index in attributes}, row[unit], row[price])


def _failed(url: str, why: str) -> FailedError:
    return FailedError(
        "price-list-unreadable",
        what="The public price list of AWS could not be read.",
        why=f"{url}: {why}",
        do="try again later; the table that was there is as it was",
    )
