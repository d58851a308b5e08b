"""The interactive documentation of the JSON API in Debian's Chromium."""


def test_the_documentation_sends_requests(server, open_page):
    """It shows the operations, and sends one as the user who signs in; nothing is loaded from elsewhere."""
    page = open_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{server.url}/docs")

    page.click("text=List DIDs")
    page.click(".btn.authorize")
    page.fill("#auth-basic-username", "admin")
    page.fill("#auth-basic-password", "1234")
    page.press("#auth-basic-password", "Enter")
    page.click(".close-modal")
    page.click("text=Try it out")
    page.click("text=Execute")
    page.wait_for_selector(".live-responses-table .response .response-col_status")

    assert "200" in page.inner_text(".live-responses-table .response .response-col_status")
    assert "18001234567" in page.inner_text(".live-responses-table")
    assert {server.url} == {"/".join(url.split("/")[:3]) for url in asked if not url.startswith("data:")}
    # Chromium has advice about the form's fields; violations of the policy are errors.
    assert [] == [text for text in page.complaints if not text.startswith("[DOM]")]


def test_a_page_of_another_site_changes_nothing(server, open_page):
    """The browser remembers the password and sends it along; the request is refused, and nothing is made."""
    page = open_page(http_credentials={"username": "admin", "password": "1234"})
    target = f"{server.url}/api/v1/copies?source=18001234567&mode=best_effort"
    page.goto(f"{server.url}/api/v1/dids")  # the browser is asked for the password, and keeps it
    page.route("http://elsewhere.example/", lambda route: route.fulfill(
        content_type="text/html",
        body=f'<form method="post" enctype="text/plain" action="{target}"><input name="5550100,a" value="b">'
        "</form><script>document.forms[0].submit()</script>",
    ))  # fmt: skip
    page.route("http://elsewhere.example/favicon.ico", lambda route: route.abort())
    with page.expect_response(target) as answered:
        page.goto("http://elsewhere.example/")
    sent = answered.value.request.all_headers()

    assert 403 == answered.value.status
    assert "/problems/cross-site" == answered.value.json()["type"]
    assert "http://elsewhere.example" == sent["origin"]
    assert ["18001234567"] == server.patterns()
