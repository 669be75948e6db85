"""Grading a class: every notebook of a folder run apart from the others, with limits.

    submissions.py   which notebooks there are, whose they are, and which chapter each one is
    merging.py       a student's notebook laid over the delivered one, and what was changed in it
    sitting.py       the process in which one notebook runs: nothing it does reaches the others
    runner.py        starts such a process, watches its time and memory, and hears its verdicts
    likeness.py      answers that are the same
    report.py        the two CSV files and the HTML page
    grade.py         the command `learntorch course grade`
"""
