import pathlib, time, pytest
LOOP='''
import time, math
for step in curves.loop(range(3000), run="sgd"):
    time.sleep(.01)
    curves.log(step, loss=math.exp(-.01*step)+.1*math.sin(step)**2, lr=.1*.99**step)
'''
@pytest.mark.parametrize("comms", ["perCommTarget","disabled"])
def test_curves(notebook, comms):
    book = notebook("curves", ["from course.widgets.loss_curves import LossCurves\ncurves=LossCurves()\ncurves", LOOP, "after = curves.status"], comms=comms, wait=False)
    p = book.page
    root = p.locator(".lt-losses"); root.wait_for()
    def n(): 
        a = root.locator("polyline[data-run=sgd]").first.get_attribute("points") if root.locator("polyline[data-run=sgd]").count() else ""
        return len((a or "").split())
    p.wait_for_function("()=>document.querySelector('polyline[data-run=sgd]')?.getAttribute('points').split(' ').length>20")
    root.get_by_role("button", name="Pause").click()
    p.wait_for_function("()=>document.querySelector('.lt-status').textContent==='paused'")
    p.wait_for_timeout(300)
    a=root.locator(".lt-last").first.inner_text(); p.wait_for_timeout(500)
    assert root.locator(".lt-last").first.inner_text()==a
    book.shot("c-paused-"+comms, p)
    root.get_by_role("button", name="Step", exact=True).click(); p.wait_for_timeout(500)
    b=root.locator(".lt-last").first.inner_text(); print(a,b); assert a!=b
    root.get_by_label("log y").check(); p.wait_for_timeout(500)
    root.get_by_role("button", name="Continue").click()
    p.wait_for_function("()=>document.querySelector('.lt-status').textContent==='running'")
    p.wait_for_timeout(600)
    root.get_by_role("button", name="Stop").click()
    p.wait_for_function("()=>document.querySelector('.lt-status').textContent==='stopped'")
    book.finish()
    print(book.ask("curves.status, curves.log_y, after, curves.width, len(curves.runs['sgd']['loss'][0])"))
    book.looks("c-"+comms, root)
