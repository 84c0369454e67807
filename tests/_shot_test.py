import os, sys
from playwright.sync_api import sync_playwright
import pytest
pytestmark=[pytest.mark.django_db(transaction=True)]
def test_shot(live_server, alices_browser, monkeypatch):
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE","1")
    with sync_playwright() as pw:
        b=pw.chromium.launch(executable_path="/usr/bin/chromium",args=["--no-sandbox","--disable-gpu"])
        for theme,w in (("light",1280),("dark",1280),("light",390)):
            c=b.new_context(color_scheme=theme,viewport={"width":w,"height":900})
            c.add_cookies([{"name":"sessionid","value":alices_browser.cookies["sessionid"].value,"url":live_server.url}])
            p=c.new_page(); v=[]
            p.expose_function("violated", lambda *a: v.append(a))
            p.add_init_script("addEventListener('securitypolicyviolation', e => violated(e.violatedDirective, e.blockedURI, e.sample, e.sourceFile, e.lineNumber), true)")
            reqs=[]; p.on("request", lambda r: reqs.append(r.url)); p.on("pageerror", lambda e: v.append(("error",str(e)))); p.on("console", lambda m: v.append((m.type,m.text[:200])))
            r=p.goto(live_server.url+"/api/docs"); print(r.status, r.headers.get("content-security-policy"))
            p.wait_for_selector(".opblock", timeout=60000)
            p.screenshot(path=f"/tmp/docs-{theme}-{w}.png")
            p.click("#operations-strategies-create_strategy .opblock-summary-control" if p.query_selector("#operations-strategies-create_strategy") else ".opblock-summary-control")
            p.wait_for_timeout(2500)
            p.locator(".opblock.is-open").scroll_into_view_if_needed()
            p.screenshot(path=f"/tmp/docs-open-{theme}-{w}.png")
            print(theme,w,v[:10],len(v),[u for u in reqs if not u.startswith(live_server.url)][:5], len(reqs), p.evaluate("document.documentElement.scrollWidth"))
            c.close()
        b.close()
