"""Tools of those who write the course: run a chapter, hold the release gates, build versions.

| command | what it does |
|---|---|
| `learntorch course check [chapter…]` | every gate on every chapter, one line each |
| `learntorch course build [chapter…]` | student, solution and instructor versions |
| `python -m course.authoring.execute 05` | run a chapter and store its outputs |
| `python -m course.authoring.text 05 > 05.txt` | a chapter as plain text, and back with `--read` |
"""
