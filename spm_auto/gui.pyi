# signpost: in a checkout this plane stands in ../gui
from gui import *
