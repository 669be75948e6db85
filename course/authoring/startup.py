"""Runs in the kernel before a chapter that is being checked: a warning is an error.

Given to the kernel as PYTHONSTARTUP, whose names land among the reader's, so it leaves none.
"""

__import__("warnings").simplefilter("error")
__import__("warnings").filterwarnings(
    "ignore", module=r"(asyncio|debugpy|ipykernel|IPython|jupyter_client|tornado|traitlets|zmq)\b"
)
