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
# # 2. What the feedback does
#
# A probe does not know how high the surface is. A *loop* finds out, over and over again: it
# compares what it feels (here a tunnelling current) with what it should feel (the set-point) and
# moves the tip by a part of the difference. The height at which the tip ends up is what we call
# the image.
#
# So an image is an answer of the loop, and how good it is depends on one number that you choose:
# the **gain**, how much of an error the loop corrects in a second.
#
# * Too little, and the tip comes late: it *lags*. Steps become ramps, and the error goes into the
#   current.
# * Too much, and the loop corrects what its own last correction did. The piezo that carries the
#   tip is a spring with a mass; it has a resonance, and there the correction comes just in time to
#   make things worse: the loop *rings*.
#
# In between lies a good image. In this lesson you look for the two ends, and choose.

# %% [markdown]
# On a machine that has nothing yet, such as Colab, one line comes first:
# ```
# pip install "spm_auto[lessons]"
# ```

# %%
import matplotlib.pyplot as plt
import numpy as np

from spm_auto.classroom import attend

exercise = attend("feedback", student="practice")
exercise

# %% [markdown]
# ## As you find it
#
# Somebody was here before you, and left the gain where it was. Do not change it yet: scan, and
# look at the height and at the current. The set-point is 100 pA.

# %%
FRAME = {
    "center": ("0 nm", "0 nm"),
    "size": ("12 nm", "3 nm"),
    "pixels": (256, 32),
    "line_rate": "4 Hz",
}
SETPOINT = 100e-12  # [A]

with exercise.start_run("as found") as run:
    found = run.scan(**FRAME)


def show(image, title):
    """Show height and error of the loop, as images and as the line in the middle."""
    x, y = image.frame.positions()
    middle = image.frame.pixels[1] // 2
    fig, axes = plt.subplots(2, 2, figsize=(10, 4.2), layout="constrained")
    for row, (name, unit, scale) in enumerate([("height", "pm", 1e12), ("current", "pA", 1e12)]):
        there, back = image.channel(name), image.channel(name, backward=True)
        shown = axes[row, 0].pcolormesh(1e9 * x, 1e9 * y, scale * there, cmap="afmhot")
        fig.colorbar(shown, ax=axes[row, 0], label=f"{name} [{unit}]")
        axes[row, 1].plot(1e9 * x[middle], scale * there[middle], lw=1, label="forward")
        axes[row, 1].plot(1e9 * x[middle], scale * back[middle], lw=1, label="backward")
        axes[row, 1].set(ylabel=f"{name} [{unit}]", xlim=(-3, 3))
        axes[row, 0].set(ylabel="y [nm]")
    axes[0, 1].legend()
    for ax in axes[1]:
        ax.set(xlabel="x [nm]")
    fig.suptitle(title)
    plt.show()


show(found, "as found")

# %% [markdown]
# Is it late, or does it ring? Lag and ringing look different. A lagging tip shows the same surface
# shifted against the direction in which it goes, so forward and backward are mirror images of each
# other's mistake, and the current has a peak at each slope. A ringing loop shows a wave of a fixed
# frequency, the same over hills and plains.
#
# So look at *frequencies*. What forward and backward do not share is not the surface. A line takes
# half of the time of there and back, and has 256 pixels: that is the time from pixel to pixel.

# %%
RATE = 4.0  # lines per second, each there and back
frequency = np.fft.rfftfreq(256, d=1 / (2 * RATE) / 256)  # [Hz]


def spectrum(image):
    """Return the power of the loop's error (the current) at each frequency, mean of all lines."""
    error = image.channel("current") - image.channel("current").mean(axis=1, keepdims=True)
    return (np.abs(np.fft.rfft(error * np.hanning(256), axis=1)) ** 2).mean(axis=0)


def ringing(image):
    """Return the frequency of the strongest fast wave, and its share of the error's power."""
    power = spectrum(image)
    peak = np.where(frequency > 200, power, 0).argmax()  # slower ones are the surface itself
    near = slice(peak - 2, peak + 3)
    share = power[near].sum() / power[1:].sum()
    return (frequency[near] * power[near]).sum() / power[near].sum(), share


wave, share = ringing(found)
print(f"the strongest wave is one of {wave:.0f} Hz; it has {share:.0%} of the error's power")

# %% [markdown]
# ## Turn the knob
#
# Now go through the gains, from far too low to far too high, and note two figures for each: how
# large the loop's error is, in units of the set-point, and how much of it is in a single wave.


# %%
def at(run, gain):
    """Scan with a gain [1/s]."""
    run.set_feedback(gain=gain)
    return run.scan(**FRAME)


def error(image):
    """Return the rms error of the loop in units of the set-point."""
    return image.channel("current").std() / SETPOINT


gains = np.geomspace(20, 1200, 22)
with exercise.start_run("gains") as run:
    images = [at(run, gain) for gain in gains]
errors = np.array([error(image) for image in images])
shares = np.array([ringing(image)[1] for image in images])

fig, axes = plt.subplots(2, 1, figsize=(7, 5), sharex=True, layout="constrained")
axes[0].loglog(gains, errors, "o-")
axes[0].set(ylabel="error of the loop / set-point")
axes[1].semilogx(gains, shares, "o-")
axes[1].set(xlabel="gain [1/s]", ylabel="share of one wave")
plt.show()

# %% [markdown]
# Two regimes, and an edge between them. On the left the error falls slowly as the gain rises: the
# tip follows better and better. Then, within a few percent, it shoots up by a factor of a hundred:
# this is no gradual thing. Below the edge a disturbance dies away; above it, it grows until
# something else stops it. That edge is the **critical gain**.
#
# You need it to a few percent, and each look takes eight seconds. Halve the interval each time.

# %%
jump = int(np.argmax(np.diff(np.log(errors)) > np.log(3)))  # the step at which the error shoots up
low, high = gains[jump], gains[jump + 1]
limit = 3 * errors[: jump + 1].min()
with exercise.start_run("edge") as run:
    for _ in range(5):
        middle = np.sqrt(low * high)
        if error(at(run, middle)) > limit:
            high = middle
        else:
            low = middle
critical = np.sqrt(low * high)
print(f"it begins to ring between {low:.0f} and {high:.0f} per second")

# %% [markdown]
# How fast does it ring? Just above the edge nothing else is in the image:

# %%
with exercise.start_run("ringing") as run:
    ringing_image = at(run, 1.06 * high)
resonance, share = ringing(ringing_image)
show(ringing_image, f"just above the edge: {resonance:.0f} Hz, {share:.0%} of the power")

# %% [markdown]
# Theory says why. An integrating loop lags by a quarter of a turn at every frequency, a resonator
# by another quarter at its resonance: together half a turn, so what should be subtracted is added.
# If at that frequency the gain of the whole loop is one or more, it goes on by itself. The
# integrator has the gain $g/\omega$, the resonator $Q$: so the edge lies about at $g_c = \omega_0
# / Q$. From your two numbers you get the quality of the piezo, which nobody told you.

# %%
print(f"Q is about {2 * np.pi * resonance / critical:.0f}")

# %% [markdown]
# ## Choose
#
# At the edge the error is least, but nobody would work there: the surface gets a little softer,
# the tip a little sharper, and it rings. The old rule is to turn the gain up until it rings, and
# back to a half. Control engineers call the ratio a *gain margin*. Here you are asked for one of a
# fifth at least: the loop must still be quiet when the gain is turned up by 20 %. A bit more will
# not hurt.

# %%
setting = critical / 1.3
with exercise.start_run("chosen") as run:
    chosen = at(run, setting)
show(chosen, f"gain {setting:.0f} per second: error {error(chosen):.2f} of the set-point")

# %% [markdown]
# ## Hand in
#
# Say how you found the loop, before you touched it.

# %%
print(exercise)
wave, share = ringing(found)
answer = exercise.hand_in(
    {
        "found": "rings" if share > 0.5 else "lags",
        "critical": critical,
        "resonance": f"{resonance:.0f} Hz",
        "setting": setting,
    }
)
exercise.close()
print(answer)

# %% [markdown]
# ```
# spm-auto grade feedback lessons/feedback/answer.json
# ```
#
# ## Your task
#
# Do it with your own name as `student`: another piezo, and another gain left behind. Then find
# out:
#
# 1. Scan four times as slowly (`line_rate="1 Hz"`). What happens to the error at a low gain, and
#    what to the edge?
# 2. The loop corrects the *logarithm* of the current. Why? (What does the current do when the tip
#    comes nearer by 0.1 nm?)
# 3. `spm_auto` tunes loops by itself: the step `tune_scan`. How many images does it need?
