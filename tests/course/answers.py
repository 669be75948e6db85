"""Answers to exercises as a class might give them, put to their checks."""

import learntorch as torch
from course.checks import module
from course.checks.framework import run
from learntorch import nn


def exercise(name):
    """The exercise of a name such as "ex_12_3"."""
    return getattr(module(name.split("_")[1]), name)


def verdict(name, answer):
    """What the check of this exercise says of an answer."""
    return run(exercise(name), answer)


def numbered(table):
    """(name, number) of each answer in a table of lists, to parametrize a test with."""
    return [(name, i) for name in table for i in range(len(table[name]))]


def endless(*_):
    while True:
        pass


def odd_functions_are_answered(name, monkeypatch):
    """Nothing, no function, no result, an error, a huge result, an endless loop: a line each."""
    assert verdict(name, None).status == "not attempted"
    assert "wants a function" in verdict(name, 3).reason
    assert "returned nothing" in verdict(name, lambda *_: print()).reason
    assert "ZeroDivisionError" in verdict(name, lambda *_: 1 / 0).reason
    huge = verdict(name, lambda *_: torch.zeros(3, 10**6))
    assert huge.status == "failed" and len(huge.reason) < 1500
    monkeypatch.setattr(exercise(name), "seconds", 0.3)
    assert "does its loop end?" in verdict(name, endless).reason


def odd_classes_are_answered(name, right, monkeypatch):
    """The same of an exercise that wants a class; `right` is one that passes."""
    assert verdict(name, None).status == "not attempted"
    stub = type(name, (nn.Module,), {"forward": lambda self, x: ...})
    assert verdict(name, stub).status == "not attempted"
    assert "wants a class" in verdict(name, nn.ReLU()).reason
    assert "TypeError" in verdict(name, nn.ReLU).reason
    broken = type("Broken", (right,), {"forward": lambda self, x: x.nothing})
    assert "AttributeError" in verdict(name, broken).reason
    monkeypatch.setattr(exercise(name), "seconds", 0.3)
    slow = type("Slow", (right,), {"forward": endless})
    assert "does its loop end?" in verdict(name, slow).reason
