import json, pytest
@pytest.mark.parametrize("name", ["00_welcome","01_tensors","05_dynamic_graphs","12_cnn_lenet"])
def test_x(notebook, name):
    nb=json.load(open(f"notebooks/{name}.ipynb"))
    cells=["".join(c["source"]) for c in nb["cells"] if c["cell_type"]=="code" and "raises-exception" not in c["metadata"].get("tags",[])]
    book = notebook("ch"+name, cells, wait=False)
    try: book.page.wait_for_function("()=>[...window.jupyterapp.shell.currentWidget.content.model.cells].every(c=>c.type!=='code'||c.executionCount)", timeout=100000)
    except Exception as e: print(e)
    book.page.wait_for_timeout(1500)
    print(name, book.page.locator(".lt").count(), [e[:300] for e in book.page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']").all_inner_texts()][:3])
    for i in range(book.page.locator(".lt").count()):
        el=book.page.locator(".lt").nth(i); el.scroll_into_view_if_needed(); book.page.wait_for_timeout(300); book.shot(f"ch{name}-{i}", el)
