"""An application in Python's own libraries: signs a person in through the pages, and uses the token."""

import base64
import hashlib
import html.parser
import imaplib
import json
import secrets
import smtplib
import sys
import urllib.error
import urllib.parse
import urllib.request


class Form(html.parser.HTMLParser):
    """What a browser would send back with everything left as it is."""

    def __init__(self, person):
        super().__init__()
        self.person, self.fields = person, []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "form":
            assert attrs["method"] == "post" and "action" not in attrs
        if tag == "select":
            self.select = attrs["name"]
        if tag == "option" and attrs["value"] == self.person:
            self.fields.append((self.select, attrs["value"]))
        if tag == "input" and attrs["type"] == "checkbox" and "checked" in attrs:
            self.fields.append((attrs["name"], attrs["value"]))
        if tag == "button" and attrs["value"] == "allow":
            self.fields.append((attrs["name"], attrs["value"]))


class Stay(urllib.request.HTTPRedirectHandler):
    """Follows nothing: the way back leads out of this test."""

    def redirect_request(self, *_):
        return None


def callback(url, person):
    form = Form(person)
    form.feed(urllib.request.urlopen(url).read().decode())
    body = urllib.parse.urlencode(form.fields).encode()
    try:
        urllib.request.build_opener(Stay).open(url, body)
    except urllib.error.HTTPError as error:
        assert error.code == 302, error.code
        return error.headers["Location"]


def post(url, fields):
    return json.load(urllib.request.urlopen(url, urllib.parse.urlencode(fields).encode()))


def main(person, authorize, token, client_id, secret, redirect_uri, scope, imap_port, smtp_port):
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    state = secrets.token_urlsafe(8)
    url = authorize + "?" + urllib.parse.urlencode({
        "response_type": "code", "client_id": client_id, "redirect_uri": redirect_uri, "scope": scope,
        "state": state, "access_type": "offline", "code_challenge": challenge, "code_challenge_method": "S256",
    })
    back = callback(url, person)
    assert back.startswith(redirect_uri + "?"), back
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(back).query))
    assert query["state"] == state
    own = {"client_id": client_id, "client_secret": secret}
    answer = post(token, own | {
        "grant_type": "authorization_code", "code": query["code"], "redirect_uri": redirect_uri,
        "code_verifier": verifier,
    })
    answer |= post(token, own | {"grant_type": "refresh_token", "refresh_token": answer["refresh_token"]})
    xoauth2 = f"user={person}\1auth=Bearer {answer['access_token']}\1\1"

    with imaplib.IMAP4("localhost", int(imap_port)) as imap:
        imap.authenticate("XOAUTH2", lambda _: xoauth2.encode())
        print("imap", imap.select("INBOX")[0])
    with smtplib.SMTP("localhost", int(smtp_port)) as smtp:
        smtp.ehlo()
        smtp.auth("XOAUTH2", lambda challenge=None: xoauth2)
        smtp.sendmail(person, ["paula@bakery.example"], "Subject: Hi\r\n\r\nHi\r\n")
        print("smtp OK")


main(*sys.argv[1:])
