"""The viewer's files, found wherever the package lies."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import market_depth.viewer
from market_depth.viewer import web_files

PACKAGE = Path(market_depth.viewer.__file__).parent


def test_an_etag_tells_bodies_apart(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("1;\n")
    (tmp_path / "b.js").write_text("2;\n")
    (tmp_path / "c.js").write_text("1;\n")
    files = web_files(tmp_path)
    assert files["/a.js"].etag == files["/c.js"].etag != files["/b.js"].etag


def test_only_what_a_viewer_is_made_of_is_taken(tmp_path: Path) -> None:
    made_of = ["index.html", "a.js", "deep/er/b.css", "deep/c.svg"]
    others = ["a.js~", ".hidden.js", ".git/d.js", "notes.md", "e.py", "f.js.map", "js", "deep/.js"]
    for name in made_of + others:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    assert {path: file.body for path, file in web_files(tmp_path).items()} == {
        "/": b"index.html",
        "/a.js": b"a.js",
        "/deep/er/b.css": b"deep/er/b.css",
        "/deep/c.svg": b"deep/c.svg",
    }


def test_the_files_are_found_in_a_package_within_a_zip(tmp_path: Path) -> None:
    names = [PACKAGE.parent / "__init__.py", *PACKAGE.rglob("*")]
    with zipfile.ZipFile(tmp_path / "wheel.zip", "w") as archive:
        for path in names:
            archive.write(path, path.relative_to(PACKAGE.parent.parent))
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import market_depth.viewer as viewer\n"
        "print(viewer.__file__)\n"
        "for path, file in viewer.web_files().items(): print(path, file.etag)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "wheel.zip")]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    where, *found = done.stdout.splitlines()
    assert "wheel.zip" in where
    assert found == [f"{path} {file.etag}" for path, file in web_files().items()]
