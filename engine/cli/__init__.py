"""What each command of the command line does: from its options to the facts it prints. One file a subject.

A command checks what it can before it works, so that a wrong name costs no minutes.
"""

from engine.cli.analyse import analyse
from engine.cli.cache import cache
from engine.cli.common import Facts
from engine.cli.download import get
from engine.cli.info import info
from engine.cli.map import map
from engine.cli.probe import probe
from engine.cli.reproduce import reproduce
from engine.cli.train import train
from engine.cli.transfer import transfer

__all__ = ["Facts", "analyse", "cache", "get", "info", "map", "probe", "reproduce", "train", "transfer"]
