"""The wheel carries what the program reads at run time, and nothing else of the repository."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_wheel_carries_assets_and_tasks(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    names = zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist()
    shipped = {str(path.relative_to(ROOT)) for kind in ("assets", "tasks") for path in (ROOT / kind).rglob("*.*")}
    shipped = {name for name in shipped if "__pycache__" not in name}
    assert shipped
    assert {f"engine/_shipped/{name}" for name in shipped} <= set(names)
    assert any(name.endswith(".tcss") for name in names)
    assert any(name.endswith("report.css") for name in names)
    assert not [name for name in names if name.startswith("tests/")]
