def test_all(notebook):
    pre = "import learntorch as torch\nfrom course.widgets import *\nfrom course.datasets import digits\nX,y,_,_=digits()"
    cells=[pre,"s=StorageViewer(torch.arange(24).view(2,3,4))\ns","card=EnvironmentCard()\ncard","q=Quiz('01')\nq",
     "w=torch.randn(784,10)*.1\nd=DrawDigit(lambda x: (x.reshape(1,784)@w)[0], examples=X[:5])\nd",
     "k=torch.tensor([[[-1.,0,1]]*3,[[-1.,-1,-1],[0,0,0],[1,1,1]],[[1.,1,1]]*3])\nf=FeatureMaps(X[0],k,names=['v','h','<script>blur'])\nf"]
    book=notebook("all",cells)
    p=book.page
    for name in ("storage-view","environment","quiz","digit","maps"):
        root=p.locator(f".lt-{name}"); root.wait_for(); root.scroll_into_view_if_needed(); p.wait_for_timeout(200)
        if name=="storage-view":
            root.get_by_role("button",name="Swap dims 1 and 2").click(); root.locator("td").nth(4).hover(); p.wait_for_timeout(300)
        if name=="quiz":
            root.locator("input[type=radio]").nth(1).check(); root.get_by_role("button",name="Check").first.click()
            root.locator("input[type=radio]").nth(3).check(); root.get_by_role("button",name="Check").nth(1).click(); p.wait_for_timeout(300)
        if name=="digit":
            c=root.locator("canvas"); b=c.bounding_box()
            p.mouse.move(b["x"]+90,b["y"]+60); p.mouse.down(); p.mouse.move(b["x"]+190,b["y"]+60,steps=6); p.mouse.move(b["x"]+120,b["y"]+220,steps=8); p.mouse.up(); p.wait_for_timeout(500)
        if name=="maps":
            b=root.locator(".lt-output").bounding_box(); p.mouse.move(b["x"]+100,b["y"]+120); p.wait_for_timeout(400)
        book.looks(name, root)
    print(book.ask("q.chosen, d.alt, f.chosen, s.index"))
