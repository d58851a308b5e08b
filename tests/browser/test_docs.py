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
