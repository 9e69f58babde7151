"""Advertisements for used bicycles, made up: a table as messy as those that people are sent.

It is there so that the project works before you bring your own table. Decimal commas, four ways to
write "nothing", CITY and city, copies, a column that never changes, 9999999 for "unknown": all of
that is put in on purpose. No bicycle, price or seller in it is real.
"""

import csv
import io
import math
import random
from datetime import date, timedelta

ROWS = 2_400
SELLERS = 160
COPIES = 60

# kind: (how many, price when new, kilogrammes, gears, tyre in millimetres)
KINDS = {
    "City": (0.36, 620.0, 16.0, 8, 42.0),
    "Mountain": (0.26, 950.0, 14.0, 16, 52.0),
    "Road": (0.22, 1300.0, 10.5, 18, 32.0),
    "Cargo": (0.16, 1900.0, 24.0, 9, 48.0),
}
BRANDS = ("Adlermann", "Bergfink", "Cykla", "Draisine", "Ella & Sons")
CONDITIONS = {"like new": 0.95, "good": 0.75, "used": 0.55, "needs repair": 0.3}
HEADERS = (
    "Ad no.", "Listed on", "Seller", "Kind", "Brand", "Condition", "Built", "Kilometres",
    "Frame (cm)", "Weight (kg)", "Gears", "Tyre (mm)", "Lights", "Last service", "Reserved on",
    "Currency", "Remarks", "Price (€)", "Sold within a week",
)  # fmt: skip
START = date(2023, 1, 2)


def table() -> str:
    """The text of the file. The seed never changes: neither does the table."""
    made_by = random.Random(7)  # noqa: S311 - for a made-up table, not for a secret
    tastes = [made_by.gauss(0, 0.08) for _ in range(SELLERS)]  # each seller asks more, or less
    ads = [_ad(number, made_by, tastes) for number in range(ROWS)]
    for number in made_by.sample(range(ROWS), COPIES):  # somebody pressed the button twice
        ads.insert(made_by.randrange(len(ads)), ads[number])
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(HEADERS)
    writer.writerows(ads)
    return text.getvalue()


def _ad(number: int, made_by: random.Random, tastes: list[float]) -> list[str]:
    kind = made_by.choices(list(KINDS), [share for share, *_ in KINDS.values()])[0]
    _, new_price, kilogrammes, gears, tyre = KINDS[kind]
    condition = made_by.choices(list(CONDITIONS), [2, 4, 3, 1])[0]
    listed = START + timedelta(days=int(number / ROWS * 720) + made_by.randrange(5))
    age = made_by.randint(0, 15)
    seller = int(SELLERS * made_by.random() ** 1.7)
    brand = made_by.choice(BRANDS)
    ridden = made_by.randint(50, 1500) * (age + 1)
    lights = made_by.random() < (0.85 if kind in ("City", "Cargo") else 0.4)
    weight = kilogrammes * made_by.uniform(0.75, 1.35)
    worth = new_price * CONDITIONS[condition] * 0.93**age * (1 + 0.1 * BRANDS.index(brand))
    worth *= 1.08 if lights else 1.0
    asked = worth * math.exp(tastes[seller] + made_by.gauss(0, 0.14))
    # A low price for what it is, good condition and lights sell a bicycle; spring helps a little.
    spring = 1.0 if listed.month in (3, 4, 5, 6) else 0.0
    eager = 7.0 * math.log(worth / asked) + 0.3 * spring + 1.0 * lights
    eager += 3.0 * (CONDITIONS[condition] - 0.85) + 0.1 * (7 - age)
    sold = made_by.random() < 1 / (1 + math.exp(-2.0 * eager))
    service = listed - timedelta(days=made_by.randint(5, 900))
    reserved = listed + timedelta(days=made_by.randint(1, 6) if sold else made_by.randint(8, 60))
    nothing = made_by.choice(["", "-", "n/a", "?"])

    def maybe(share: float, text: str) -> str:
        return nothing if made_by.random() < share else text

    return [
        f"A-{10_000 + number}",
        listed.strftime("%d.%m.%Y"),
        f"seller {seller + 1:03}",
        made_by.choices([kind, kind.upper(), f" {kind.lower()}"], [90, 5, 5])[0],
        maybe(0.04, brand),
        condition,
        str(listed.year - age),
        maybe(0.05, "9999999" if made_by.random() < 0.01 else _comma(ridden, 0)),
        maybe(0.03, str(made_by.choice([48, 51, 54, 56, 58, 61]))),
        maybe(0.06, "about 15" if made_by.random() < 0.01 else _comma(weight, 1)),
        str(max(1, gears + made_by.randint(-6, 6))),
        _comma(tyre * made_by.uniform(0.75, 1.3), 0),
        "yes" if lights else "no",
        maybe(0.2, service.isoformat()),
        reserved.isoformat(),
        "EUR",
        made_by.choice(["", f"Can be seen on {listed:%A}s; call {made_by.randrange(10**6)}."]),
        maybe(0.01, _comma(asked, 2)),
        "yes" if sold else "no",
    ]  # fmt: skip


def _comma(value: float, digits: int) -> str:
    """1.250,50: a dot for thousands, a comma for decimals."""
    return f"{value:,.{digits}f}".translate(str.maketrans(",.", ".,"))
