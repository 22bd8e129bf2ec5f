"""The version, where every room can read it."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("caviar")
except PackageNotFoundError:  # run from a source tree that was not installed
    __version__ = "0.1.0"
