"""Python names for the headers of a table."""

import keyword
import re
import unicodedata

from pydantic import BaseModel


def names_for(headers: list[str]) -> dict[str, str]:
    """A Python name for each header: Price (€) becomes price, a second price price_2."""
    names: dict[str, str] = {}
    for place, header in enumerate(headers, start=1):
        plain = unicodedata.normalize("NFKD", header.replace("ß", "ss")).encode("ascii", "ignore")
        words = re.sub(r"[^a-z0-9]+", "_", plain.decode().lower()).strip("_")[:40].strip("_")
        name = words or f"column_{place}"
        if name[0].isdigit():
            name = f"column_{name}"
        if keyword.iskeyword(name) or hasattr(BaseModel, name) or name.startswith("model_"):
            name = f"the_{name}"  # a word of Python, or of every pydantic model
        taken = list(names.values())
        same = sum(1 for other in taken if other == name or re.fullmatch(rf"{name}_\d+", other))
        names[header] = f"{name}_{same + 1}" if name in taken else name
    return names
