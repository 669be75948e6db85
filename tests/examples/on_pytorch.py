"""Runs scripts on PyTorch itself, one after the other:  python -m tests.examples.on_pytorch PLAN

PLAN is a JSON file: {"torchvision": a folder where it lies unpacked, or null, "runs": [[folder to
run in, script, arguments...]]}. What a script prints goes to the file "said" in its folder, the
seconds it took to "seconds". torchvision may have been built for another torch: its compiled
operations are missing then, and scripts that read and draw pictures use none of them.
"""

import contextlib
import json
import os
import runpy
import sys
import time


def main(plan):
    """Run what the file `plan` says, as Python would run it."""
    import torch
    torch.set_num_threads(1)
    with open(plan, encoding="utf-8") as file:
        plan = json.load(file)
    held = None
    if plan["torchvision"]:
        sys.path.append(plan["torchvision"])
        from tests.vision.make_frozen import torchvision_of
        held = torchvision_of(torch)
    for folder, script, *arguments in plan["runs"]:
        os.makedirs(folder)
        os.chdir(folder)
        sys.argv[:] = [script, *arguments]
        began = time.time()
        with open("said", "w", encoding="utf-8") as file, contextlib.redirect_stdout(file):
            runpy.run_path(script, run_name="__main__")
        with open("seconds", "w", encoding="utf-8") as file:
            file.write(str(time.time() - began))
    return held


if __name__ == "__main__":
    main(sys.argv[1])
