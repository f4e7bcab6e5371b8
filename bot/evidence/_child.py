"""Reads two tables as JSON, writes what Evidently says of their drift as JSON; started as a process of its own."""

import json
import math
import sys
from typing import Any

_MEMORY = 4 << 30


def main() -> None:
    """Columns that cannot be compared are left out and named: Evidently drops some in silence and fails on others."""
    import resource
    import warnings

    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    warnings.simplefilter("ignore")
    asked = json.load(sys.stdin)

    import pandas as pd
    from evidently import Report
    from evidently.presets import DataDriftPreset

    current, reference = pd.DataFrame(asked["current"]), pd.DataFrame(asked["reference"])
    left_out = _left_out(current, reference)
    names = [name for name in current.columns if name not in left_out]
    if not names:
        raise SystemExit("no column can be compared")
    report = Report([DataDriftPreset(num_method="ks", cat_method="psi")], include_tests=True)
    snapshot = report.run(current[names], reference[names])
    written = {
        "rows": {"current": len(current), "reference": len(reference)},
        "left_out": left_out,
        "missing": {name: [_missing(current[name]), _missing(reference[name])] for name in names},
        "report": snapshot.dict(),
    }
    sys.stdout.write(json.dumps(_strict(written), default=str, allow_nan=False))


def _left_out(current: Any, reference: Any) -> dict[str, str]:
    """Columns that only one table has, or that hold nothing in one."""
    names: dict[str, str] = {}
    for name in sorted({*current.columns, *reference.columns}):
        for table, words in ((current, "the live rows"), (reference, "the reference")):
            if name not in table.columns:
                names[name] = f"not in {words}"
            elif table[name].isna().all():
                names[name] = f"empty in {words}"
    return names


def _strict(value: Any) -> Any:
    """The same without NaN and infinities, which JSON does not know."""
    if isinstance(value, dict):
        return {str(name): _strict(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _missing(column: Any) -> float:
    return round(float(column.isna().mean()), 6)


if __name__ == "__main__":
    main()
