"""The lock of the child process. Each attempt is made in a process of its own, with the lock and without it: what
fails without it would prove nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

from tradedesk.notifications.channels.process import ROOT

LOCK = "from tradedesk.notifications.channels import guard\nguard.lock(private=True)\n"
# Each prints “reached” when the attempt succeeds; FILE is a file of the desk, FOLDER its folder.
ATTEMPTS = {
    "read a file": "print(open(FILE).read())",
    "read it by its descriptor": "import os; print(os.read(os.open(FILE, os.O_RDONLY), 99).decode())",
    "read it through a link": "import pathlib; print(pathlib.Path(FOLDER, 'link').read_text())",
    "write a file": "open(FOLDER + '/new', 'w'); print('reached')",
    "delete a file": "import os; os.remove(FILE); print('reached')",
    "start a program": "import subprocess; subprocess.run(['true']); print('reached')",
    "run a shell": "import os; os.system('true'); print('reached')",
    "fork": "import os; pid = os.fork(); pid or os._exit(0); print('reached')",
    "open a database": "import sqlite3; sqlite3.connect(FOLDER + '/db'); print('reached')",
    "send a datagram": "import socket\n"
    "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b'x', ('127.0.0.1', 9)); print('reached')",
    "use a socket of this machine": "import socket\n"
    "listening = socket.socket(socket.AF_UNIX); listening.bind(FOLDER + '/s'); listening.listen()\nLOCK_HERE\n"
    "socket.socket(socket.AF_UNIX).connect(FOLDER + '/s'); print('reached')",
}
# A plugin of apprise that reads the file that a URL names, with its request caught before it leaves.
TEMPLATE = """
import apprise, requests
LOCK_HERE
def send(self, request, **options):
    print(request.body)
    response = requests.Response()
    response.status_code, response._content = 200, b""
    return response
requests.Session.send = send
url = "workflow://example.com/workflow/signature/?template=" + FILE
apprise.Apprise.instantiate(url).notify(title="title", body="body")
"""


def attempt(code: str, folder: Path, *, locked: bool) -> str:
    file = folder / "secret.json"
    attachment = '{"contentType": "text", "content": "reached"}'
    file.write_text(f'{{"type": "message", "attachments": [{attachment}]}}')
    (folder / "link").symlink_to(file)
    lock = LOCK if locked else ""
    body = code.replace("LOCK_HERE", lock) if "LOCK_HERE" in code else lock + code
    script = f"FILE, FOLDER = {str(file)!r}, {str(folder)!r}\n{body}"
    child = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    return child.stdout


@pytest.mark.parametrize("locked", [False, True], ids=["open", "locked"])
@pytest.mark.parametrize("name", list(ATTEMPTS))
def test_the_lock_is_what_stops_it(name: str, locked: bool, tmp_path: Path) -> None:
    assert ("reached" in attempt(ATTEMPTS[name], tmp_path, locked=locked)) == (not locked)


@pytest.mark.parametrize("locked", [False, True], ids=["open", "locked"])
def test_no_plugin_sends_a_file_of_the_desk(locked: bool, tmp_path: Path) -> None:
    assert ("reached" in attempt(TEMPLATE, tmp_path, locked=locked)) == (not locked)
