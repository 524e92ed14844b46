"""Records of runs that are kept, a JSON line each, so that nothing is done twice."""

import json
from pathlib import Path
from typing import Any


def read_records(path: Path) -> list[dict[str, Any]]:
    """Read the records of a file; none where there is no file.

    Parameters
    ----------
    path : Path
        File of JSON lines. A line that was cut off by a kill is left out.
    """
    records = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            records.append(record)
    return records


def add_record(path: Path, record: dict[str, Any]) -> None:
    """Add a record as a line of its own, also where a kill has left half a line.

    Parameters
    ----------
    path : Path
        File of JSON lines, made where absent.
    record : dict
        JSON-able.
    """
    cut_off = path.exists() and not path.read_bytes().endswith(b"\n")
    with path.open("a", encoding="utf-8") as file:
        file.write("\n" * cut_off + json.dumps(record) + "\n")
