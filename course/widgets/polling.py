"""Hearing the page while a cell is running.

A kernel does one thing at a time: while a training loop runs, clicks wait. JupyterLab 4.4 with
ipykernel 7 sends widget messages to a thread of their own; everywhere else `poll()` must be called
now and then. It takes waiting messages off the kernel's queue, hands widget messages to their
widgets, and puts all others (cells to be run) back in line for after this cell.
"""

import sys
import threading

WIDGET = ("comm_open", "comm_msg", "comm_close")


def kernel():
    """The ipykernel this code runs in, or None."""
    if "ipykernel" not in sys.modules:
        return None
    from IPython import get_ipython
    return getattr(get_ipython(), "kernel", None)


def poll():
    """Handle the widget messages that are waiting; how many there were."""
    running = kernel()
    if running is None or threading.current_thread() is not threading.main_thread():
        return 0
    stream = main_stream(running)
    if stream is None:
        return 0
    import zmq
    count = 0
    taken = False
    while True:
        try:
            frames = stream.socket.recv_multipart(zmq.NOBLOCK, copy=False)
        except zmq.Again:
            break
        taken = True
        if handle(running, stream, frames):
            count += 1
        else:
            stream.io_loop.add_callback(stream._recv_callback, frames)
    if taken:       # the socket signals new messages only once: let its owner look again later
        stream.io_loop.add_callback(stream._handle_events, stream.socket, 0)
    return count


def main_stream(running):
    """Where messages for the main thread arrive, or None in a kernel of another build."""
    thread = getattr(running, "shell_channel_thread", None)
    stream = getattr(running, "shell_stream", None)
    if thread is not None:                          # ipykernel 7: the socket belongs to a thread
        pair = getattr(thread.manager, "get_shell_channel_to_subshell_pair", None)
        stream = None if pair is None else pair(None).to_stream
    known = all(hasattr(stream, name) for name in ("_recv_callback", "_handle_events", "socket"))
    return stream if known else None


def handle(running, stream, frames):
    """Deal with one message if it is for a widget; whether it was."""
    session = running.session
    identities, parts = session.feed_identities(frames, copy=False)
    try:
        kind = session.deserialize(parts, content=False, copy=False)["header"]["msg_type"]
        if kind not in WIDGET:
            return False
        message = session.deserialize(parts, content=True, copy=False)
    except (ValueError, TypeError, KeyError):       # not a message at all: the kernel will say so
        return False
    running._publish_status("busy", "shell", parent=message)
    try:
        running.shell_handlers[kind](stream, identities, message)
    except Exception:
        running.log.error("Exception in a widget's message handler", exc_info=True)
    running._publish_status("idle", "shell", parent=message)
    return True
