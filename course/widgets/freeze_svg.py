"""The freeze panel where there is no kernel: a line for each block, and the bill below."""

from learntorch.viz.svg import escape

STYLE = """
.lt-ice{font:12px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace}
.lt-ice .ground{fill:#fff}.lt-ice text{fill:#1a1a1a}.lt-ice .small{fill:#666}
.lt-ice .head{font-weight:600}.lt-ice .end{text-anchor:end}.lt-ice .frozen{fill:#b84e00}
.lt-ice .learns{fill:#00795a}.lt-ice .class{fill:#0072b2}.lt-ice line{stroke:#ccc}
@media (prefers-color-scheme:dark){.lt-ice .ground{fill:#14181c}.lt-ice text{fill:#f0f0f0}
.lt-ice .small{fill:#aaa}.lt-ice .frozen{fill:#ff8c4a}.lt-ice .learns{fill:#2fc79a}
.lt-ice .class{fill:#56b4e9}.lt-ice line{stroke:#444}}
"""
HIGH, CHARACTER, MOST = 20, 7.3, 40
SIGN = {"learns": "● learns", "partly": "◐ partly", "frozen": "❄ frozen"}


def megabytes(number):
    """A number of bytes in words: 48 kB, 6.8 MB."""
    return f"{number / 1000:,.0f} kB" if number < 1e6 else f"{number / 1e6:,.1f} MB"


def lines(totals):
    """The bill as pairs of a word and what there is to say."""
    said = [["numbers that learn", f"{totals['trainable']:,} of {totals['count']:,}"],
            ["gradients", megabytes(totals["gradients"])],
            ["kept by the optimizer", megabytes(totals["optimizer"])]]
    if totals["forward"]:
        said += [["maps kept for the way back", megabytes(totals["maps"])],
                 ["work of a step", f"{totals['factor']:.1f} runs forward"]]
    return said


def panel_svg(name, rows, totals, alt):
    """The picture: blocks with their numbers and states, then the bill."""
    shown = rows[:MOST]
    widest = max(len(r["path"]) + len(r["class"]) for r in shown) + 1
    count = 24 + int(CHARACTER * widest) + 80
    width = max(count + 230, 420)
    parts = [f'<text class="head" x="12" y="22">{escape(name)}: '
             f"{totals['trainable']:,} of {totals['count']:,} numbers learn</text>",
             f'<text class="small" x="12" y="46">block</text>'
             f'<text class="small end" x="{count}" y="46">numbers</text>'
             f'<text class="small" x="{count + 20}" y="46">state</text>'
             f'<line x1="12" y1="51" x2="{width - 12}" y2="51"/>']
    y = 46
    for r in shown:
        y += HIGH
        back = f" ← {r['back']}" if r["back"] == "ends here" else ""
        parts.append(f'<text x="12" y="{y}">{escape(r["path"])} '
                     f'<tspan class="class">{escape(r["class"])}</tspan></text>'
                     f'<text class="end" x="{count}" y="{y}">{r["count"]:,}</text>'
                     f'<text class="{"frozen" if r["state"] == "frozen" else "learns"}" '
                     f'x="{count + 20}" y="{y}">{SIGN[r["state"]]}{back}</text>')
    if len(rows) > MOST:
        y += HIGH
        parts.append(f'<text class="small" x="12" y="{y}">… and {len(rows) - MOST} more '
                     "blocks</text>")
    y += 10
    parts.append(f'<line x1="12" y1="{y}" x2="{width - 12}" y2="{y}"/>')
    for word, value in lines(totals):
        y += HIGH
        parts.append(f'<text class="small" x="12" y="{y}">{word}</text>'
                     f'<text x="230" y="{y}">{value}</text>')
    y += 14
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" class="lt-ice" role="img" width="{width}" '
        f'height="{y}" viewBox="0 0 {width} {y}" aria-label="{escape(alt)}">',
        f"<title>{escape(name)}</title><desc>{escape(alt)}</desc>",
        f"<style>{STYLE}</style>", f'<rect class="ground" width="{width}" height="{y}" rx="6"/>',
        *parts, "</svg>"])
