"""The public names of every room, pinned: a change of them is seen, and meant.

After a meant change: python tests/test_public_names.py > tests/public_names.txt
"""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PINNED = Path(__file__).with_name("public_names.txt")
HEAVY = ("docker", "kubernetes", "matplotlib", "ipywidgets", "numpy")


def listed() -> list[str]:
    """One line a module: its name and the functions and classes that it defines without an underscore."""
    lines = []
    for path in sorted((ROOT / "aicontainer").rglob("*.py")):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        names = sorted(node.name for node in body if isinstance(node, kinds) and not node.name.startswith("_"))
        if names:
            module = ".".join(path.relative_to(ROOT / "aicontainer").with_suffix("").parts)
            lines.append(f"{module}: {' '.join(names)}")
    return lines


def test_the_public_names_are_those_that_are_pinned() -> None:
    assert listed() == PINNED.read_text(encoding="utf-8").splitlines()


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = f"import sys, aicontainer; print([name for name in {HEAVY!r} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


if __name__ == "__main__":
    print("\n".join(listed()))
