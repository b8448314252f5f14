"""Saves in a child process that is killed at random moments; after each, the file must open and be whole.

    python killed_while_saving.py DIRECTORY TIMES

Prints how many of the kills were survived, and how many different positions were found.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

from convstep.debugger.opening import open_session

SAMPLE = Path(__file__).parents[2] / "sample_nets" / "conv_pool_sigmoid.yaml"


def main(directory: str, times: int) -> None:
    path, choice = str(Path(directory) / "s.convstep"), random.Random(7)
    session = open_session(str(SAMPLE))
    session.save(path)
    found = set()
    for _ in range(times):
        child = os.fork()
        if not child:
            while True:
                session.next()
                session.save(path)
        time.sleep(choice.uniform(0.0, 0.03))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        session = open_session(path)
        found.add(session.spot.position)
    print(times, len(found))


main(sys.argv[1], int(sys.argv[2]))
