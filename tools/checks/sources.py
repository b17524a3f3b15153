"""Which files are ours, for the checks beside this file."""

import argparse
import pathlib
import subprocess
import sys


def root_argument(description):
    """The folder to check: the one argument of every check, by default this project."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "root",
        nargs="?",
        type=pathlib.Path,
        default=pathlib.Path(__file__).resolve().parent.parent.parent,
        help="the folder to check (default: this project)",
    )
    return parser.parse_args().root


def our_files(root):
    """Paths under the root, relative to it: tracked files, and new ones that git does not ignore."""
    listed = subprocess.run(
        ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    paths = sorted(pathlib.PurePosixPath(name) for name in set(listed.split("\0")) if name)
    return [path for path in paths if (root / path).is_file()]


def lines_of(root, path):
    """(number, line) pairs, from 1; none for a file that is not text."""
    try:
        text = (root / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return []
    return list(enumerate(text.splitlines(), start=1))


def report(name, problems):
    """Prints the problems and ends the program: non-zero where there are any."""
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        sys.exit(f"{name}: {len(problems)} found")
    print(f"{name}: nothing found")
