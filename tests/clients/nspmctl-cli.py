"""The command line nspmctl reads and sets values of our emulated controller."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from nanonis_calls import judge, near

address = json.loads(sys.argv[1])
home = tempfile.mkdtemp()
environment = {
    **os.environ,
    "HOME": home,
    "NANONIS_HOST": address["host"],
    "NANONIS_PORTS": ",".join(str(port) for port in address["ports"]),
    "NSPMCTL_NO_DAEMON": "1",
}


def run(*words):
    command = [sys.executable, "-m", "nspmctl", *words]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, env=environment, cwd=home
    )
    if done.returncode:
        raise RuntimeError((done.stdout + done.stderr)[-250:])
    return json.loads(done.stdout)


def value(answer):
    return answer["value"] if "value" in answer else answer["result"]["value"]


def probed(answer):
    return len(answer["probe"]["candidate_ports"]) == len(address["ports"])


judge("doctor", lambda: run("doctor", "--command-probe"), probed)
judge("set bias_v", lambda: run("--no-daemon", "set", "bias_v", "0.25"), lambda v: bool(v))
judge("get bias_v", lambda: value(run("--no-daemon", "get", "bias_v")), near(0.25))
judge(
    "get current_a",
    lambda: value(run("--no-daemon", "get", "current_a")),
    lambda v: 1e-12 < v < 1e-9,
)
judge("capabilities", lambda: run("--no-daemon", "capabilities"), lambda v: bool(v))
assert Path(home).exists()
