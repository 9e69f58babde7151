"""From bytes to text: packed files, and the encodings that programs and countries differ in."""

import codecs
import gzip
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from charset_normalizer import from_bytes

from ..errors import ProjectError

MARKS = {codecs.BOM_UTF8: "utf-8-sig"}
MARKS |= {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
# Looked through when it is neither Unicode nor Western European.
ELSEWHERE = ["cp1250", "cp1251", "cp1253", "cp1254", "koi8_r", "cp932", "euc_kr", "gb18030", "big5"]


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The bytes of the file; those inside, if it is packed with gzip."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else path.open("rb") as content:
            yield cast("BinaryIO", content)
    except (EOFError, OSError) as error:
        raise ProjectError(
            what=f"{path.name} cannot be read.",
            why=str(error),
            do=f"Look at it: ls -l {path}; if it was packed, pack or fetch it again",
        ) from None


@contextmanager
def text(path: Path, encoding: str) -> Iterator[Iterator[str]]:
    """The lines of the file, without the NUL bytes that some programs leave in."""
    with opened(path) as file, io.TextIOWrapper(file, encoding=encoding, newline="") as lines:
        yield (line.replace("\0", "") for line in lines)


def encoding_of(path: Path, start: bytes) -> str:
    """UTF-8 if the whole file is; else what its marks or its letters speak for."""
    for mark, name in MARKS.items():
        if start.startswith(mark):
            return name
    if start[1:400:2].count(0) > len(start[1:400:2]) / 2:
        return "utf-16-le"  # every second byte is empty: Latin letters, without a mark
    decoder = codecs.getincrementaldecoder("utf-8")()
    with opened(path) as file:
        try:
            while block := file.read(1 << 20):
                decoder.decode(block)
            decoder.decode(b"", final=True)
            return "utf-8"
        except UnicodeDecodeError:
            unusual = block or start
    if _is_western(unusual.decode("cp1252", errors="replace")):
        return "cp1252"
    best = from_bytes(unusual, cp_isolation=ELSEWHERE).best()
    return best.encoding if best else "cp1252"


def _is_western(sample: str) -> bool:
    """Do the letters beyond ASCII stand where French, German or Spanish have them?

    They are a few in each word, and there are no signs in the middle of one.
    """
    words = re.findall(r"[^\W\d_]+", sample)
    accented = [word for word in words if not word.isascii()]
    plain = sum(letter.isascii() for word in accented for letter in word)
    beyond = sum(len(word) for word in accented) - plain
    signs = r"[\u00a1-\u00bf\u00d7\u00f7\u2020-\u203a\u2122\ufffd\u0178]"
    odd = len(re.findall(rf"[a-zà-ÿ]{signs}[a-zà-ÿ]|{signs}[a-zà-ÿ]{{2}}", sample))
    return beyond <= plain + 2 and odd <= max(1, len(accented)) / 20
