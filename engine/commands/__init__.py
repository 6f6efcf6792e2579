"""What each command of the command line does: from its options to the facts it prints. One file a subject.

A command checks what it can before it works, so that a wrong name costs no minutes.
"""

from engine.commands.analysing import analyse
from engine.commands.caching import cache
from engine.commands.common import Facts
from engine.commands.getting import get
from engine.commands.mapping import map
from engine.commands.models import info
from engine.commands.probing import probe
from engine.commands.reproducing import reproduce
from engine.commands.training import train
from engine.commands.transferring import transfer

__all__ = ["Facts", "analyse", "cache", "get", "info", "map", "probe", "reproduce", "train", "transfer"]
