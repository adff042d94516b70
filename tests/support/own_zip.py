"""A user's object whose hook needs a package of its own, as they travel in the zip of the Lambda functions."""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path

from trunkline.objects.catalogue import load
from trunkline.objects.model import Object
from trunkline.pipelines.home import own_object_files

ROOT = Path(__file__).parents[2]
PACKAGE = "idna"
"""What the hook imports: small, of Python alone, and not needed by any function."""
SHOP = """
[object.shop]
key = ["id"]
version = "changed"
event_time = "changed"
hook = "sites:encode"

[object.shop.columns]
id = { path = "Id" }
site = { path = "Site" }
changed = { type = "timestamp", path = "Changed" }

[object.shop.source]
type = "files"
paths = ["s3://exports/shops/"]
"""
HOOK = '''
import idna

def encode(table):
    """Names of sites as DNS has them."""
    return table.replace("site", [idna.encode(name).decode() for name in table.column("site")])
'''
ROWS = "Id,Site,Changed\na,bücher.example,2026-03-03T10:00:00Z\nb,shop.example,2026-03-03T10:00:00Z\n"
EXPECTED = [("a", "xn--bcher-kva.example"), ("b", "shop.example")]
"""Id and site of the rows after the hook."""


def write_shop(folder: Path) -> Object:
    """The folder with the object and its hook; the object as it is declared there."""
    for name, text in {"objects/shop.toml": SHOP, "hooks/sites.py": HOOK}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return load(own_object_files(folder))["shop"]


def locked_package(path: Path) -> Path:
    """A lock of the hook's package alone, with its hashes, as the development tools have it locked."""
    lines = (ROOT / "requirements" / "dev.txt").read_text().splitlines()
    (start,) = [number for number, line in enumerate(lines) if line.startswith(f"{PACKAGE}==")]
    end = next(number for number, line in enumerate(lines[start:], start) if not line.endswith("\\"))
    path.write_text("\n".join(lines[start : end + 1]) + "\n")
    return path


def installed_package() -> dict[str, bytes]:
    """Path and bytes of the package's modules, as its wheel has them, from this environment."""
    found = distribution(PACKAGE)
    return {
        path.as_posix(): Path(str(found.locate_file(path))).read_bytes()
        for path in found.files or ()
        if path.suffix == ".py"
    }
