# ruff: noqa: E402, N802, N815  Scanbot gives the names
"""Scanbot makes a survey of 2 x 2 frames with our emulated controller, and stitches them."""

import json
import sys
import tempfile
import threading
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

from nanonis_calls import judge, say

address = json.loads(sys.argv.pop())  # Scanbot reads the command line when it is imported

from nanonisTCP import nanonisTCP
from nanonisTCP.Scan import Scan
from scanbot.server import global_
from scanbot.server.scanbot import scanbot

folder = tempfile.mkdtemp()


class Interface:
    """What Scanbot's object wants of its chat or web page."""

    topoBasename, cloudPath, module_dir, run_mode = "", "", folder + "/", "react"
    IP, portList = address["host"], list(address["ports"])

    def __init__(self):
        self.replies, self.pictures, self.reactions = [], [], []

    def sendReply(self, text, message=""):
        self.replies.append(text)

    def reactToMessage(self, reaction, message=""):
        self.reactions.append(reaction)

    def sendPNG(self, name, notify=True, message=""):
        self.pictures.append(name)


class Survey(scanbot):
    """Scanbot, with its connections going to the port that was told."""

    def connect(self):
        for port in address["ports"]:
            if port not in self.used:
                self.used.append(port)
                client = nanonisTCP(address["host"], port)
                client.s.settimeout(20)
                return client, None
        return None, "no port is free"

    def disconnect(self, client):
        client.close_connection()
        self.used.remove(client.PORT)


global_.running, global_.pause = threading.Event(), threading.Event()
global_.running.set()
interface = Interface()
survey = Survey(interface)
survey.used = []

client, _ = survey.connect()
Scan(client).SpeedSet(fwd_line_time=0.05, speed_ratio=1)
survey.disconnect(client)

judge("getChannelIndex", lambda: survey.getChannelIndex("Z (m)"), lambda v: v >= 0)
judge("plotChannel", lambda: survey.plotChannel(a="Z (m)"), lambda v: not v)
judge(
    "survey",
    lambda: survey.survey(
        bias=0.3,
        n=2,
        startAt=1,
        suffix="two",
        xy=4e-9,
        dx=4e-9,
        px=20,
        sleepTime=0,
        stitch=1,
        survey_hk="",
        classifier_hk="",
        autotip=0,
    ),
    lambda v: v is None and "survey 'two' done" in interface.replies[-1],
)
said = [text for text in interface.replies if text.startswith("Running scan")]
say("four frames", len(said) == 4 and len(interface.pictures) == 5, str(interface.replies))
pictures = [Path(folder) / name for name in interface.pictures]
say(
    "pictures",
    all(p.stat().st_size > 1000 for p in pictures if p.exists())
    and any("stitch" in p.name for p in pictures),
    str(interface.pictures),
)
judge("plot", survey.plot, lambda v: v is None and len(interface.pictures) == 6)
