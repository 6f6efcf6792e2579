"""Run every benchmark and put the figures together.

    python -m tests.bench [--only training,map] [--json FOLDER] [--summary]

Each runs in a process of its own, one after the other, in under 15 minutes on two cores; their JSON files and the
tables land in FOLDER. --summary prints the table alone, for resources/help/speed.md. librosa is needed beside the
program's own packages: pip install librosa. Transfer quality has a benchmark of its own, see transfer_quality.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# The order of the table; arguments keep the whole within its time.
BENCHMARKS: dict[str, list[str]] = {
    "training": [],
    "gpu": [],
    "scaling": [],
    "corpus": ["--clips", "2000"],
    "analysis": [],
    "map": [],
    "transfer": [],
    "window": [],
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="names, separated by commas")
    parser.add_argument("--json", type=Path, help="folder for the JSON files")
    parser.add_argument("--summary", action="store_true", help="print the summary table alone at the end")
    wanted = parser.parse_args()
    names = [name for name in wanted.only.split(",") if name] or list(BENCHMARKS)
    if strange := sorted(set(names) - set(BENCHMARKS)):
        parser.error(f"there is no benchmark called {', '.join(strange)}; there are {', '.join(BENCHMARKS)}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = wanted.json or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        failed = [name for name in names if not run(name, folder)]
        if wanted.summary:
            print(summary([folder / f"{name}.json" for name in names if name not in failed]))
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def run(name: str, folder: Path) -> bool:
    began = time.monotonic()
    command = [sys.executable, "-m", f"tests.bench.{name}_speed", "--json", str(folder / f"{name}.json")]
    done = subprocess.run(command + BENCHMARKS[name], check=False)
    print(f"{name}: {time.monotonic() - began:.0f} s\n", flush=True)
    return done.returncode == 0


def summary(files: list[Path]) -> str:
    """One table of what has a goal or a baseline."""
    lines = ["| | measured | goal |", "|---|---|---|"]
    for file in files:
        facts = json.loads(file.read_text("utf-8"))
        for row in facts["rows"]:
            unit = " times" if row["unit"] == "x" else f" {row['unit']}" if row["unit"] else ""
            figure = row["figure"]
            told = "not measured" if figure is None else f"{figure:.0f}" if abs(figure) >= 100 else f"{figure:.2g}"
            beside = f", beside {row['baseline']}" if row["baseline"] else ""
            sign = "at least" if row["better"] == "higher" else "at most"
            goal = "" if row["goal"] is None else f"{sign} {row['goal']:g}"
            missed = "" if row["met"] in (True, None) else ", missed"
            lines.append(f"| {row['what']}{beside} | {told}{'' if figure is None else unit} | {goal}{missed} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
