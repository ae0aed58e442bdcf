# signpost: in a checkout this plane stands in ../simulator
from simulator import *
