"""Qt and pyqtgraph, set up once: images are [line, pixel], lines are thin and not smoothed."""

import os

os.environ.setdefault("PYQTGRAPH_QT_LIB", "PyQt6")

import pyqtgraph as pg

pg.setConfigOptions(imageAxisOrder="row-major", antialias=False, useOpenGL=False)

__all__ = ["pg"]
