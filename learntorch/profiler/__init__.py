"""Where the time goes: `with profile() as prof: …`, then `prof.key_averages().table()`."""

import enum

from learntorch.autograd import profiler
from learntorch.autograd.profiler import record_function


class ProfilerActivity(enum.Enum):
    """What a profile looks at. Here ops run on the CPU."""

    CPU = 0
    XPU = 1
    CUDA = 3


class ProfilerAction(enum.Enum):
    """What a profile does in one step of its schedule."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


def supported_activities():
    """The activities that can be recorded."""
    return {ProfilerActivity.CPU}


def schedule(*, wait, warmup, active, repeat=0, skip_first=0, skip_first_wait=0):
    """A function step ↦ action: wait, warm up, record, and again, `repeat` times (0: for ever)."""
    def action(step):
        if step < skip_first:
            return ProfilerAction.NONE
        step -= skip_first
        if skip_first_wait:
            step += wait
        length = wait + warmup + active
        if repeat and step // length >= repeat:
            return ProfilerAction.NONE
        place = step % length
        if place < wait:
            return ProfilerAction.NONE
        if place < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD if place < length - 1 else ProfilerAction.RECORD_AND_SAVE
    return action


def tensorboard_trace_handler(dir_name, worker_name=None, use_gzip=False):
    """For `on_trace_ready`: writes each trace as a file into a folder."""
    import os
    import time

    def write(prof):
        os.makedirs(dir_name, exist_ok=True)
        name = f"{worker_name or os.getpid()}.{time.time_ns()}.pt.trace.json"
        prof.export_chrome_trace(os.path.join(dir_name, name))
    return write


class profile(profiler.profile):
    """A profile with a schedule: call `prof.step()` after every step of the training loop.

    schedule: step ↦ ProfilerAction (default: record all). on_trace_ready: called with the profile
    when a recording is finished.
    """

    def __init__(self, *, activities=None, schedule=None, on_trace_ready=None, record_shapes=False,
                 profile_memory=False, with_stack=False, with_flops=False, with_modules=False,
                 experimental_config=None, execution_trace_observer=None, acc_events=False,
                 use_cuda=None, custom_trace_id_callback=None, post_processing_timeout_s=None):
        super().__init__(record_shapes=record_shapes)
        self.activities = set(activities or supported_activities())
        self.schedule = schedule or (lambda step: ProfilerAction.RECORD)
        self.on_trace_ready = on_trace_ready
        self.step_num = 0

    def __enter__(self):
        super().__enter__()
        self.switch()
        return self

    def __exit__(self, *error):
        super().__exit__(*error)
        if self.on_trace_ready is not None and self.action is not ProfilerAction.NONE:
            self.on_trace_ready(self)

    def switch(self):
        """Record in this step, or do not."""
        self.action = self.schedule(self.step_num)
        self.recorder.on = self.action in (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)

    def step(self):
        """The next step of the loop begins."""
        done = self.action is ProfilerAction.RECORD_AND_SAVE
        if done and self.on_trace_ready is not None:
            self.on_trace_ready(self)
        self.step_num += 1
        self.switch()
        if done and self.recorder.on:
            self.recorder.events.clear()

    def start(self):
        """As entering the `with` block."""
        self.__enter__()

    def stop(self):
        """As leaving the `with` block."""
        self.__exit__(None, None, None)


__all__ = ["ProfilerAction", "ProfilerActivity", "profile", "record_function", "schedule",
           "supported_activities", "tensorboard_trace_handler"]
