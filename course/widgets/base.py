"""What all widgets share: stable text, a static picture, a state string, and their browser files.

The Python side of a widget holds plain data computed by functions; the view only draws it. So a
widget is tested without a browser, and a page without a kernel still shows the static picture.
"""

import json
import re
from pathlib import Path
from urllib.parse import parse_qsl, quote

import anywidget
import traitlets as t

FOLDER = Path(__file__).parent
PREFIX = "lt:"
IMPORT = re.compile(r'^import [^;]*? from "\./[^;]*;\n', re.MULTILINE)
EXPORT = re.compile(r"^export ", re.MULTILINE)


def script(*names):
    """One ES module out of several files of this folder: `import … from "./…";` and the word
    `export` of all but the last are left out, so that no file asks the network for another."""
    parts = [IMPORT.sub("", (FOLDER / name).read_text("utf-8")) for name in names]
    return "\n".join([*(EXPORT.sub("", part) for part in parts[:-1]), parts[-1]])


def style(*names):
    """The shared style sheet, then those named."""
    return "\n".join((FOLDER / n).read_text("utf-8") for n in ("theme.css", *names))


class Widget(anywidget.AnyWidget):
    """Base of the course's widgets.

    state:   the situation as a short string; setting it (from Python, or pasted into the page)
             brings that situation back. `shared` names the traits that are in it.
    message: the last thing the widget has to say, read aloud by screen readers.
    alt:     the picture in words.
    """

    kind = "widget"
    shared = ()

    state = t.Unicode().tag(sync=True)
    message = t.Unicode().tag(sync=True)
    alt = t.Unicode().tag(sync=True)

    def __init__(self, **traits):
        super().__init__(**traits)
        self._write_state()
        self.observe(self._write_state, list(self.shared))
        self.observe(self._read_state, ["state"])

    def _write_state(self, _change=None):
        self.state = write_state(self.kind, {name: getattr(self, name) for name in self.shared})

    def _read_state(self, change):
        now = {name: getattr(self, name) for name in self.shared}
        if change["new"] == write_state(self.kind, now):
            return
        try:
            wanted = read_state(self.kind, change["new"], now)
            for name, value in wanted.items():
                setattr(self, name, value)
        except (ValueError, t.TraitError) as error:
            for name, value in now.items():
                setattr(self, name, value)
            self.message = f"That state cannot be used: {error}"
        self._write_state()

    def static(self):
        """The SVG shown where there is no kernel, or None."""
        return None

    def __repr__(self):
        return f"{type(self).__name__}()"

    def _repr_mimebundle_(self, **options):
        bundle = super()._repr_mimebundle_(**options)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        data = dict(data)
        data["text/plain"] = repr(self)
        picture = self.static()
        if picture:
            data["image/svg+xml"] = picture
        return data, metadata


def write_state(kind, values):
    """`lt:graph?selected=n3&step=5`: readable, and safe in a chat or a URL."""
    pairs = [f"{name}={quote(_written(value), safe=',:[]')}" for name, value in values.items()]
    return f"{PREFIX}{kind}?" + "&".join(pairs)


def _written(value):
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def read_state(kind, text, now):
    """The values in a state string, in the types of `now`, the values they replace.

    Raises ValueError for another widget's string, unknown names, or values of another type.
    """
    head, _, query = str(text).strip().partition("?")
    if head != PREFIX + kind:
        raise ValueError(f"it should begin with {PREFIX}{kind}?")
    wanted = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in now:
            raise ValueError(f"there is nothing called {name[:40]!r} here")
        wanted[name] = value if isinstance(now[name], str) else _parsed(name, value, now[name])
    return wanted


def _parsed(name, text, like):
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(f"{name}={text[:40]} is not a value") from None
    number = isinstance(like, (int, float)) and not isinstance(like, bool)
    fits = (type(value) in (int, float) if number else
            value is None or like is None or type(value) is type(like))
    if not fits:
        raise ValueError(f"{name} should be like {json.dumps(like)}")
    return type(like)(value) if number and isinstance(like, float) else value
