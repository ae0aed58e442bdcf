# signpost: in a checkout this plane stands in ../drivers
from drivers import *
