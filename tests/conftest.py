"""What all tests share: few threads, deterministic property tests, no window on a screen."""

import os

# two cores are shared by numerics that each want all of them: one thread each is faster
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("MPLBACKEND", "agg")

from hypothesis import settings  # noqa: E402  (the environment comes first)

# the same examples in every run, and no verdict that depends on how busy the machine is
settings.register_profile("suite", derandomize=True, deadline=None, database=None)
settings.load_profile("suite")
