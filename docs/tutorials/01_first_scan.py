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
# # 1. A first scan
#
# A probe goes over a surface line by line, and the height at which it is held becomes an image.
# Your first image of a sample is hardly ever what you wanted to see: nobody puts a sample in
# straight. A slope of one degree is 70 nm on a way of 4 µm, and what you are looking for may be 5
# nm high.
#
# In this lesson you take such an image, find out how the sample lies, take that off, and measure
# what is left: how rough the surface is, and how high and wide the largest bump on it is.
#
# The microscope is a simulated one, in a process of its own. What is true about its sample is not
# in this notebook; `spm-auto grade` knows it.

# %% [markdown]
# On a machine that has nothing yet, such as Colab, one line comes first:
# ```
# pip install "spm_auto[lessons]"
# ```

# %%
import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import label

from spm_auto.classroom import attend

exercise = attend("first_scan", student="practice")
exercise

# %% [markdown]
# ## Look
#
# `start_run` begins a run: everything that the microscope does and sees is written to its journal,
# as in a real laboratory. A scan says where (`center`, `size`), how finely (`pixels`), and how
# fast (`line_rate`).

# %%
with exercise.start_run("overview") as run:
    image = run.scan(
        center=("0 um", "0 um"),
        size=("4 um", "4 um"),
        pixels=(256, 256),
        channels=["height"],
        line_rate="0.5 Hz",
    )
    minutes = (image.end_time - image.start_time) / 60

fig, ax = plt.subplots(layout="constrained")
image.plot("height", ax=ax)
fig.suptitle(f"as measured, in {minutes:.1f} minutes of instrument time")
plt.show()

# %% [markdown]
# You see a slope, and perhaps a few pimples. The colours span all heights, and nearly all of that
# is the tilt of the sample: what you came for is hidden in one or two shades.
#
# Every line is measured twice, there (`forward`) and back (`backward`). Where both agree, it was
# the sample; what they do not share is noise, or a tip that could not follow. We go on with the
# mean of the two.

# %%
height = (image.channel("height") + image.channel("height", backward=True)) / 2
x, y = image.frame.positions()  # of each pixel [m]

middle = 128
fig, ax = plt.subplots(figsize=(7, 2.6), layout="constrained")
ax.plot(1e6 * x[middle], 1e9 * image.channel("height")[middle], label="forward")
ax.plot(1e6 * x[middle], 1e9 * image.channel("height", backward=True)[middle], label="backward")
ax.set(xlabel="x [µm]", ylabel="height [nm]", title="one line, there and back")
ax.legend()
plt.show()

# %% [markdown]
# ## Level
#
# The sample lies on a plane $z = a x + b y + c$. Fitting one to *all* pixels is the obvious thing,
# and a little wrong: the bumps pull at it, more so if there are more of them on one side. So fit,
# throw out what stands out of the plane by more than three times the scatter, and fit again, until
# nothing changes. Statisticians call this a robust fit; microscopists call it "mask the particles
# before you level".


# %%
def level(height, x, y):
    """Fit a plane to what is flat: slopes, the image without the plane, and what is flat."""
    flat = np.ones(height.shape, dtype=bool)
    for _ in range(20):
        design = np.column_stack([x[flat], y[flat], np.ones(flat.sum())])
        (a, b, c), *_ = np.linalg.lstsq(design, height[flat], rcond=None)
        rest = height - (a * x + b * y + c)
        scatter = 1.48 * np.median(np.abs(rest[flat]))  # of a bell curve, whatever stands out
        flat, before = np.abs(rest) < 3 * scatter, flat
        if (flat == before).all():
            break
    return (a, b), rest, flat


tilt, levelled, flat = level(height, x, y)
print(
    f"the sample rises by {np.degrees(tilt[0]):.2f}° along x and {np.degrees(tilt[1]):.2f}° along y"
)

fig, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
shown = axes[0].pcolormesh(1e6 * x, 1e6 * y, 1e9 * levelled, cmap="afmhot")
fig.colorbar(shown, ax=axes[0], label="height [nm]")
axes[0].set(xlabel="x [µm]", ylabel="y [µm]", title="levelled", aspect="equal")
axes[1].hist(1e9 * levelled.ravel(), bins=150, log=True, color="0.6", label="all pixels")
axes[1].hist(1e9 * levelled[flat], bins=40, log=True, label="flat ones")
axes[1].set(xlabel="height [nm]", ylabel="pixels", title="how often each height occurs")
axes[1].legend()
plt.show()

# %% [markdown]
# There they are. The histogram tells the same: a narrow peak, which is the flat part, and a long
# tail, which is the bumps. The width of the peak is the **rms roughness** $S_q$ (ISO 25178). Had
# you taken the standard deviation of the whole image, you would have measured how many bumps there
# are.

# %%
roughness = levelled[flat].std()
print(f"flat part: {1e9 * roughness:.2f} nm rms;  whole image: {1e9 * levelled.std():.2f} nm")

# %% [markdown]
# ## Measure one thing
#
# Everything that stands out by more than five times the roughness is a bump. Some are cut by the
# edge of the image: nobody knows how high they are. So the question is about those around the
# middle, and of these we want the highest.

# %%
bumps, count = label(levelled > 5 * roughness)
middles = [(x[bumps == n].mean(), y[bumps == n].mean()) for n in range(1, count + 1)]
asked_for = [n for n, middle in enumerate(middles, 1) if np.abs(middle).max() < 1.5e-6]
around_middle = np.where(np.isin(bumps, asked_for), levelled, -np.inf)
top = np.unravel_index(np.argmax(around_middle), around_middle.shape)
top_x, top_y = x[top], y[top]
print(f"{count} bumps, {len(asked_for)} of them around the middle")
print(f"the highest of these is at ({1e6 * top_x:.2f}, {1e6 * top_y:.2f}) µm")

# %% [markdown]
# A pixel of the overview is 16 nm wide. For a closer look, scan a smaller frame around it: the
# sample is still there, as it was.

# %%
low, high = -2e-6, 2e-6
center = [float(np.clip(v, low + 0.5e-6, high - 0.5e-6)) for v in (top_x, top_y)]
with exercise.start_run("closer") as run:
    closer = run.scan(center, ("1 um", "1 um"), (256, 256), channels=["height"], line_rate="1 Hz")

u, v = closer.frame.positions()
detail = (closer.channel("height") + closer.channel("height", backward=True)) / 2
detail = detail - tilt[0] * u - tilt[1] * v  # the plane of the overview holds here, too
distance = np.hypot(u - top_x, v - top_y)
around = np.median(detail[distance > 0.45e-6])
detail = detail - around

reach = distance < 60e-9
peak = np.unravel_index(np.argmax(np.where(reach, detail, -np.inf)), detail.shape)
top_x, top_y, top_height = u[peak], v[peak], detail[peak]
print(f"{1e9 * top_height:.1f} nm high at ({1e9 * top_x:.0f}, {1e9 * top_y:.0f}) nm")

# %% [markdown]
# And how wide? The bump ends gently, so its rim disappears in the roughness. But bumps like this
# are caps: their height falls with the square of the distance, $h(r) = h_0 (1 - r^2/r_0^2)$. So
# plot it against $r^2$: a straight line, which meets zero at the foot. A line through many pixels
# knows that better than any eye.

# %%
distance = np.hypot(u - top_x, v - top_y)
rings = np.arange(0, 0.4e-6, 4e-9)
mean = np.array([np.median(detail[(distance >= r) & (distance < r + 4e-9)]) for r in rings])
r2 = (rings + 2e-9) ** 2
slope_part = (mean > 0.25 * top_height) & (rings < rings[np.argmax(mean < 0.25 * top_height)])
fall, start = np.polyfit(r2[slope_part], mean[slope_part], 1)
foot = np.sqrt(-start / fall)

fig, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
shown = axes[0].pcolormesh(1e6 * u, 1e6 * v, 1e9 * detail, cmap="afmhot")
fig.colorbar(shown, ax=axes[0], label="height [nm]")
turn = np.linspace(0, 2 * np.pi, 100)
axes[0].plot(1e6 * (top_x + foot * np.cos(turn)), 1e6 * (top_y + foot * np.sin(turn)), "c--", lw=1)
axes[0].set(xlabel="x [µm]", ylabel="y [µm]", title="the highest bump and its foot", aspect="equal")
axes[1].plot(1e12 * r2, 1e9 * mean, ".", label="mean over a ring")
axes[1].plot(1e12 * r2, 1e9 * (start + fall * r2), "c--", label="cap")
axes[1].set(xlabel="r² [µm²]", ylabel="height [nm]", ylim=(-3, 1.1e9 * top_height))
axes[1].legend()
plt.show()
print(f"{2e9 * foot:.0f} nm wide at its foot")

# %% [markdown]
# A real tip is round, too: it touches a steep flank before it is over it, and makes everything
# that stands out a little wider. That is why one should not trust widths of the order of the tip's
# radius.
#
# ## Hand in
#
# Numbers are in SI units, or text with a unit such as `"12.3 nm"`. A form that does not fit is
# refused at once; whether it is *right*, only the one who grades will say.

# %%
print(exercise)
answer = exercise.hand_in(
    {
        "tilt": tilt,
        "roughness": roughness,
        "highest": (top_x, top_y),
        "height": f"{1e9 * top_height:.2f} nm",
        "width": f"{2e9 * foot:.1f} nm",
    }
)
exercise.close()
print(answer)

# %% [markdown]
# Now let it be graded:
#
# ```
# spm-auto grade first_scan lessons/first_scan/answer.json
# ```
#
# ## Your task
#
# Do it again with your own name as `student`: you get another sample. Then find out:
#
# 1. What happens to the tilt that you measure if you do not throw out the bumps?
# 2. How fast can you scan the overview before the width of the bump is off by 10 %? (`line_rate="4
#    Hz"`, `"8 Hz"` ...)
