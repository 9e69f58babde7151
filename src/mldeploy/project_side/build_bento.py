"""Build the bento of a release from a folder that holds just its code, model and requirements.

usage: build_bento.py SERVICE CONTEXT STORE      (the order comes on stdin, as one line of JSON)

It first imports what takes seconds, bentoml and the service's own libraries, and then waits for
``{"name", "version", "labels"}``: they are known only when MLflow has answered, which takes seconds
as well. Prints ``{"path": folder of the bento}``. Only ever run on a folder made for it: in a
project's own folder `bentoml build` would pack mlruns/ and data/ too.
"""

import importlib
import json
import os
import sys
from pathlib import Path


def main(service: str, context: str, store: str) -> dict[str, str]:
    # Both are read at import. The library compares with "True" only; "1" is ignored.
    os.environ["BENTOML_DO_NOT_TRACK"] = "True"
    os.environ["BENTOML_HOME"] = store
    import bentoml

    # What is imported from the context is packed, and hashed, as it is: no bytecode beside it.
    sys.dont_write_bytecode = True
    sys.path.insert(0, context)
    importlib.import_module(service.partition(":")[0])
    order = json.loads(sys.stdin.readline())
    # As a list: bentoml refuses to read a requirements file under a hidden folder such as ours.
    locked = Path(context, "requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.rstrip(" \\") for line in locked if line and not line.startswith((" ", "#"))]
    bento = bentoml.build(
        service=service,
        name=order["name"],
        version=order["version"],
        build_ctx=context,
        include=["**"],
        labels=order["labels"],
        # uv has locked them already; locking again here would need the index and 2 s.
        python={"lock_packages": False, "packages": pins},
    )
    return {"path": bento.path}


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))  # noqa: T201 - the caller reads this line
