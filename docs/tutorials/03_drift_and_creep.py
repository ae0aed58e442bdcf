# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 3. Drift and creep
#
# You found something, went for coffee, came back, and it is not there any more. Two things have
# happened.
#
# * **Drift.** The sample is a fraction of a degree warmer than the frame that holds the scanner,
#   so it grows, at a steady 0.01 to 0.1 nm/s. Over a night that is a micrometre.
# * **Creep.** The piezo that you sent somewhere has not quite arrived. It goes on in the direction
#   of its last move, by about the same amount between 1 s and 10 s, between 10 s and 100 s,
#   between 100 s and 1000 s: so much in each *decade* of time, a few percent of the move.
#
# They look alike, an image that wanders off, but they are cured differently: drift is predicted,
# creep is waited for. In this lesson you tell them apart, measure both, and predict where a bump
# will be an hour later. Then you look whether it is there.

# %% [markdown]
# On a machine that has nothing yet, such as Colab, one line comes first:
# ```
# pip install "spm_auto[lessons]"
# ```

# %%
import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import gaussian_filter, label

from spm_auto.analysis import register
from spm_auto.classroom import attend

exercise = attend("drift_and_creep", student="practice")
exercise

# %% [markdown]
# ## What there is
#
# An overview first, of the whole sample, right after loading. Note *when* each line was taken: an
# image of four minutes is no snapshot.

# %%
with exercise.start_run("overview") as run:
    overview = run.scan(("0 um", "0 um"), ("6 um", "6 um"), (256, 256), line_rate="1 Hz")

height = gaussian_filter(
    (overview.channel("height") + overview.channel("height", backward=True)) / 2, 1
)
x, y = overview.frame.positions()
height = height - np.median(height)
roughness = 1.48 * np.median(np.abs(height))
bumps, count = label(height > 6 * roughness)
edge = np.unique(bumps[(np.abs(x) > 2e-6) | (np.abs(y) > 2e-6)])  # away from the edges
inside = np.where(np.isin(bumps, edge), -np.inf, height)
line, pixel = np.unravel_index(np.argmax(inside), inside.shape)
bump = np.array([x[line, pixel], y[line, pixel]])
seen_at = np.linspace(overview.start_time, overview.end_time, 256)[line]

fig, ax = plt.subplots(figsize=(6, 5), layout="constrained")
shown = ax.pcolormesh(1e6 * x, 1e6 * y, 1e9 * height, cmap="afmhot")
fig.colorbar(shown, ax=ax, label="height [nm]")
ax.plot(*(1e6 * bump), "co", ms=14, mfc="none")
ax.set(xlabel="x [µm]", ylabel="y [µm]", aspect="equal", title="just after loading")
plt.show()
print(
    f"the bump was at ({1e9 * bump[0]:.0f}, {1e9 * bump[1]:.0f}) nm, {seen_at:.0f} s after the start"
)

# %% [markdown]
# ## Drift
#
# Stay where you are and take the same image again and again. Whatever moves from one image to the
# next, nobody has moved it. By how much, `register` says: it finds the shift at which two images
# are most alike, to a fraction of a pixel, with an uncertainty. Rough ground between the bumps is
# what it holds on to.

# %%
with exercise.start_run("drift") as run:
    series = [
        run.scan(("0 um", "0 um"), ("2 um", "2 um"), (128, 128), line_rate="0.8 Hz")
        for _ in range(22)
    ]


def followed(images):
    """Return when each image was taken [s], and where the sample was, from the last image [m]."""
    times = np.array([(image.start_time + image.end_time) / 2 for image in images])
    shifts = [register(images[-1], image) for image in images]
    sure = np.array([shift.is_sure for shift in shifts])
    return times[sure], np.array([(shift.dx, shift.dy) for shift in shifts])[sure]


times, places = followed(series[1:])  # the first one is bent by the way from the overview
line = np.polyfit(times, places, 1)  # of both axes at once

fig, ax = plt.subplots(figsize=(7, 3.5), layout="constrained")
for axis, name in enumerate("xy"):
    (dots,) = ax.plot(times / 60, 1e9 * places[:, axis], "o", label=name)
    straight = line[0, axis] * times + line[1, axis]
    ax.plot(times / 60, 1e9 * straight, "-", color=dots.get_color(), lw=1)
ax.set(xlabel="instrument time [min]", ylabel="where the sample is [nm]")
ax.set_title("nobody has touched it")
ax.legend()
plt.show()

# %% [markdown]
# The points lie nearly on straight lines, but not quite: look at their ends. They are bent, for the
# piezo came from elsewhere, the overview was three times as wide, and it is still on its way. That
# is the other effect. What it does is known up to a factor: it goes with the logarithm of the time
# since the overview ended. So fit both at once, a line *and* a logarithm; the slope of the line is
# the drift.

# %%
since = times - overview.end_time
design = np.column_stack([np.ones_like(times), times, np.log10(since)])
terms, *_ = np.linalg.lstsq(design, places, rcond=None)
drift = terms[1]

fig, ax = plt.subplots(figsize=(7, 3), layout="constrained")
for axis, name in enumerate("xy"):
    off = places[:, axis] - line[0, axis] * times - line[1, axis]
    (dots,) = ax.plot(times / 60, 1e9 * off, "o", label=name)
    bent = design @ terms[:, axis] - line[0, axis] * times - line[1, axis]
    ax.plot(times / 60, 1e9 * bent, "-", color=dots.get_color(), lw=1)
ax.set(xlabel="instrument time [min]", ylabel="off the straight line [nm]")
ax.set_title("what is left is creep")
ax.legend()
plt.show()
print(f"a line alone: {1e12 * line[0, 0]:.1f} and {1e12 * line[0, 1]:.1f} pm/s along x and y")
print(f"with creep:   {1e12 * drift[0]:.1f} and {1e12 * drift[1]:.1f} pm/s")

# %% [markdown]
# ## Creep
#
# To see creep at its best, give it a reason. Rest at the left side of the sample for half an hour;
# jump by $d$ = 4.8 µm to the right; and take small, fast images there, one after the other. The
# law is
#
# $$ x(t) = d\,\left[1 + \gamma \log_{10}(t/t_0)\right] $$
#
# so the sample seems to move backwards, against the jump, by $\gamma d$ in each decade. Drawn over
# the *logarithm* of time it is a straight line, once the drift is taken off, which you know by
# now.

# %%
JUMP = 4.8e-6  # [m]
with exercise.start_run("creep") as run:
    for _ in range(12):
        before = run.scan((-JUMP / 2, 0.0), ("1 um", "1 um"), (64, 64), line_rate="0.5 Hz")
    jumped = before.end_time
    after = [
        run.scan((JUMP / 2, 0.0), ("1 um", "1 um"), (64, 64), line_rate="8 Hz") for _ in range(60)
    ]

times, places = followed(after)
since = times - jumped
crept = places - np.outer(times - times[-1], drift)  # without what the sample has done by itself
fit = np.polyfit(np.log10(since), crept[:, 0], 1)
creep = -fit[0] / JUMP

fig, axes = plt.subplots(1, 2, figsize=(10, 3.5), layout="constrained", sharey=True)
for ax in axes:
    ax.plot(since, 1e9 * crept[:, 0], ".", label="along the jump")
    ax.plot(since, 1e9 * crept[:, 1], ".", label="across it")
    ax.plot(since, 1e9 * np.polyval(fit, np.log10(since)), "k--", lw=1)
axes[0].set(xlabel="seconds after the jump", ylabel="where the sample seems to be [nm]")
axes[1].set(xlabel="seconds after the jump, as a logarithm", xscale="log")
axes[0].legend()
plt.show()
print(f"creep: {creep:.2%} of the jump in each decade of time, {1e9 * creep * JUMP:.0f} nm")

# %% [markdown]
# On the left it looks as if it would soon be over. On the right you see that it never is: between
# the tenth and the hundredth second it moves as far as between the hundredth and the thousandth.
# But its *speed* is $\gamma d / (t \ln 10)$: after ten times as long it is a tenth. So one can say
# how long to wait until it is slow enough. Slow enough for what? There is no point in waiting for
# a creep that is slower than the drift.

# %%
speed = np.hypot(*drift)
settle = creep * 5e-6 / (speed * np.log(10))
print(f"after {settle / 60:.0f} min the creep of 5 µm is as slow as drift, {1e12 * speed:.0f} pm/s")

# %% [markdown]
# ## Where will it be?
#
# Now go to the bump that you saw in the overview, let the piezo settle there, and predict: in an
# hour it will be where it is now, plus an hour of drift. Then spend that hour scanning slowly, and
# look.

# %%
seen = bump + drift * (jumped - seen_at)
center = tuple(float(np.clip(v, -2.5e-6, 2.5e-6)) for v in seen)


def find(image):
    """Return where the top of the bump is [m], and when it was scanned [s]."""
    u, v = image.frame.positions()
    detail = gaussian_filter(
        (image.channel("height") + image.channel("height", backward=True)) / 2, 2
    )
    core = detail > detail.max() - 0.3 * np.ptp(
        detail
    )  # the middle of the cap is surer than its top
    moments = np.linspace(image.start_time, image.end_time, 128)
    return np.array([u[core].mean(), v[core].mean()]), moments[np.nonzero(core)[0]].mean()


with exercise.start_run("bump") as run:
    for _ in range(8):
        now = run.scan(center, ("1 um", "1 um"), (128, 128), line_rate="0.8 Hz")
    place, moment = find(now)
    while now.end_time < moment + 3300:
        now = run.scan(center, ("1 um", "1 um"), (128, 128), line_rate="0.2 Hz")
    later = run.scan(center, ("1 um", "1 um"), (128, 128), line_rate="0.8 Hz")

there, then = find(later)
predicted = place + drift * (then - moment)
missed = np.hypot(*(there - predicted))

u, v = later.frame.positions()
fig, ax = plt.subplots(figsize=(6, 5), layout="constrained")
ax.pcolormesh(1e6 * u, 1e6 * v, 1e9 * later.channel("height"), cmap="afmhot")
ax.plot(*(1e6 * bump), "co", mfc="none", label="in the overview")
ax.plot(*(1e6 * place), "c+", ms=12, label=f"after {moment / 3600:.1f} h, at rest")
ax.plot(*(1e6 * predicted), "cx", ms=10, label=f"predicted for {then / 3600:.1f} h")
ax.annotate("", 1e6 * predicted, 1e6 * place, arrowprops={"arrowstyle": "->", "color": "c"})
ax.set(
    xlabel="x [µm]",
    ylabel="y [µm]",
    aspect="equal",
    title="the bump an hour later, and where it should be",
)
ax.legend()
plt.show()
moved = np.hypot(*(there - place))
print(f"it moved by {1e9 * moved:.0f} nm; the prediction is off by {1e9 * missed:.0f} nm")

# %% [markdown]
# Compare the circle, where the overview showed it, with the cross: the difference is not drift
# alone. When the overview was taken the piezo had just begun to creep. **A place is only as good
# as the piezo was settled when it was read.**
#
# ## Hand in

# %%
print(exercise)
answer = exercise.hand_in({"drift": drift, "creep": creep, "settle": f"{settle:.0f} s"})
exercise.close()
print(answer)

# %% [markdown]
# ```
# spm-auto grade drift_and_creep lessons/drift_and_creep/answer.json
# ```
#
# ## Your task
#
# Do it with your own name as `student`. Then find out:
#
# 1. Why does one scan *up* and then *down* to find the drift from two images? (What does drift do
#    to the height of an image, and what to its shear?)
# 2. How wrong is the creep if you forget to take the drift off?
# 3. `spm_auto` does all of this by itself: `track` and `settle` in a recipe. Read docs/drift.md,
#    and say what `settle` would do here with `slowest = "0.05 nm/s"`.
