import pathlib
PRE = pathlib.Path("/tmp/viz/prelude.py").read_text()
def test_explore(notebook):
    book = notebook("graph", [PRE, '''
from course.widgets.graph_explorer import explore
x=tensor(1.5,True); w=tensor([2.,-.5],True)
def f(x): 
    h = (x*w + 2.0).tanh()
    return (h*h).sum()
g=explore(f,x)
g'''], reduced=False)
    p = book.page
    root = p.locator(".lt-explorer"); root.wait_for()
    p.wait_for_timeout(500)
    book.shot("g0", p)
    root.locator(".node[data-id=n1]").click()
    p.wait_for_timeout(800)
    book.shot("g1", root)
    for _ in range(7):
        root.get_by_role("button", name="Step", exact=True).click(); p.wait_for_timeout(100)
    p.wait_for_timeout(250)
    book.shot("g2", root)
    p.wait_for_timeout(900)
    book.looks("g", root)
    print(book.ask("g.step, g.selected, g.state"), book.errors)
