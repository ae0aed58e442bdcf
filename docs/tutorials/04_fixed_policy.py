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
# # 4. A fixed plan, and what it costs
#
# Most experiments follow a plan that was made before the first measurement: nine places, sixteen loops at each, go home. Such a
# **fixed policy** looks at no result until it is over. It is simple, it can be compared with that of a colleague, and anybody can say
# beforehand how long it will take. What it cannot do is change its mind.
#
# In this lesson you carry out such a plan on a composition spread, a film whose composition changes along a wafer. Then you
# look at the whole as a **workflow**: operations with a duration and a price, some of which can be done at the same time. Where does the time go,
# and what would a faster machine be worth? That is what automation has to be judged by.

# %% [markdown]
# On a machine that has nothing yet, such as Colab, one line comes first:
# ```
# pip install "spm_auto[lessons]"
# ```

# %%
import matplotlib.pyplot as plt
import numpy as np

import spm_auto as spm
from spm_auto.agents.scalarizers import remanence
from spm_auto.classroom import attend
from spm_auto.errors import LimitExceeded

exercise = attend("fixed_policy", student="practice")
exercise

# %% [markdown]
# ## How fast may we go?
#
# The laboratory has limits, and they are not in the handbook. But a guarded instrument can be asked: an instruction beyond a limit is refused
# *before* anything moves, and the refusal says what would have been allowed.

# %%
SIDE, PIXELS = 1e-6, 96
with exercise.start_run("limits") as run:
    try:
        run.scan((0, 0), (SIDE, SIDE), (PIXELS, PIXELS), line_rate="1 kHz")
    except LimitExceeded as refused:
        fastest = refused.allowed[1]
        print("refused:", refused)
limits = run.recorded

line_rate = fastest / (2 * SIDE)  # a line is scanned there and back
print(f"so at most {line_rate:.2f} lines per second")

# %% [markdown]
# ## The plan
#
# Nine places along the wafer, 1 mm apart. At each: move the stage (withdraw the tip, go, approach again), scan an overview, take 16 hysteresis
# loops on a square of 4 by 4. The loop says how much of the polarisation stays when the bias is taken away: the **remanence**.

# %%
LOOP = spm.BiasWaveform.triangle("8 V", points=64, cycles=4)
ALONG = (np.arange(4) - 1.5) * 0.2e-6
PLACES = np.arange(-4, 5) * 1e-3


def measure(run, x):
    """Carry out the plan at one place of the stage; returns the overview and the loops."""
    run.move_stage(x, 0.0)
    overview = run.scan((0, 0), (SIDE, SIDE), (PIXELS, PIXELS), line_rate=0.999 * line_rate)
    loops = [run.acquire_spectrum(u, v, LOOP) for v in ALONG for u in ALONG]
    return overview, loops


def worth(loops):
    """Remanence of each loop [m]; where there is no loop, nothing stays."""
    return np.nan_to_num([remanence(loop).value for loop in loops])


with exercise.start_run("first plan") as run:
    results = [measure(run, x) for x in PLACES]

fig, axes = plt.subplots(1, 3, figsize=(11, 3.4), layout="constrained")
for ax, k in zip(axes, (0, 4, 8), strict=True):
    results[k][0].plot("amplitude", ax=ax)
    ax.set_title(f"x = {1e3 * PLACES[k]:+.0f} mm", loc="right")
plt.show()

# %%
found = np.array([worth(loops) for _, loops in results])
middle, scatter = np.median(found, axis=1), np.std(found, axis=1)
fig, axes = plt.subplots(1, 2, figsize=(11, 3.6), layout="constrained")
for k in (0, 4, 8):
    loop = results[k][1][5]
    axes[0].plot(loop.bias, 1e12 * loop.channel(), label=f"{1e3 * PLACES[k]:+.0f} mm")
axes[0].set(xlabel="bias [V]", ylabel="piezoresponse [pm]", title="one loop each")
axes[0].legend()
axes[1].errorbar(1e3 * PLACES, 1e12 * middle, 1e12 * scatter, fmt="o-", capsize=3)
axes[1].set(
    xlabel="x of the stage [mm]", ylabel="remanence [pm]", title="median and scatter of 16 loops"
)
plt.show()

# %% [markdown]
# The response grows along the wafer and then dies within less than a millimetre: a phase boundary, beyond which the film is no ferroelectric any more.
# The plan has found the right millimetre, and it cannot do better: it was drawn up before anybody knew where to look closely. A second plan, made
# *after* the first, can. (An agent does that after every single spectrum: lesson 6.)

# %%
around = PLACES[np.argmax(middle)]
fine = around + np.array([-0.6, -0.3, 0.3, 0.6, 0.9]) * 1e-3
with exercise.start_run("second plan") as run:
    again = [measure(run, x) for x in fine]
places = np.concatenate([PLACES, fine])
values = np.concatenate([middle, [np.median(worth(loops)) for _, loops in again]])
best = places[np.argmax(values)]
order = np.argsort(places)

fig, ax = plt.subplots(figsize=(7, 3.4), layout="constrained")
ax.plot(1e3 * places[order], 1e12 * values[order], "-", color="0.7")
ax.plot(1e3 * PLACES, 1e12 * middle, "o", label="first plan")
ax.plot(1e3 * fine, 1e12 * values[9:], "s", label="second plan")
ax.axvline(1e3 * best, ls="--", lw=1, color="k")
ax.set(xlabel="x of the stage [mm]", ylabel="remanence [pm]")
ax.legend()
plt.show()
print(f"best so far: {1e3 * best:+.2f} mm")

# %% [markdown]
# ## What did it take?
#
# The journal of a run has the time of everything, so nobody needs a stopwatch. For one place of the *first* plan:

# %%
before, (overview, loops) = results[3][1][-1], results[4]
moving = overview.start_time - before.end_time
scanning = overview.end_time - overview.start_time
looping = loops[-1].end_time - loops[0].start_time
loading = limits.records[1].time - limits.records[0].time  # the first run put the sample in
print(
    f"load {loading:.0f} s; move {moving:.1f} s, overview {scanning:.1f} s, 16 loops {looping:.1f} s"
)

# %% [markdown]
# ## The workflow
#
# The microscope is not alone. This is all of it, for the nine places of the first plan:
#
# | operation | who | how often | takes | needs |
# | --- | --- | --- | --- | --- |
# | prepare | human | once | 20 min | – |
# | load | microscope | once | measured | prepare |
# | move, overview, loops | microscope | 9 × | measured | the place before |
# | judge a place | human | 9 × | 2 min | its loops, and the human |
# | report | human | once | 15 min | all judged |
#
# An hour of the microscope costs 60, an hour of the human 45 (whether anybody waits or not is not charged), and each approach wears the tip by 5.
#
# *What it costs* is a sum. *How long it takes* is not: the human judges one place while the microscope measures the next. What counts is the longest
# chain of operations that have to wait for each other: the **critical path**. Two workers in a row, each place first with one and then with
# the other, need $m + j + 8 \max(m, j)$ for nine places, if $m$ is the time to measure one and $j$ that to judge one.


# %%
def critical_path(moving, overview, loops, judging=120.0):
    """Seconds from the first operation to the end of the last."""
    measuring = moving + overview + loops
    return 1200 + loading + measuring + judging + 8 * max(measuring, judging) + 900


times = {"moving": moving, "overview": scanning, "loops": looping, "judging": 120.0}
whole = critical_path(*times.values())
microscope = loading + 9 * (moving + scanning + looping)
human = 1200 + 9 * 120 + 900
cost = (60 * microscope + 45 * human) / 3600 + 9 * 5
print(
    f"critical path {whole:.0f} s, all operations added up {microscope + human:.0f} s; cost {cost:.1f}"
)

# %%
fig, ax = plt.subplots(figsize=(11, 2.4), layout="constrained")
ax.barh(1, 1200, left=0, color="0.8")
ready, judged = 1200 + loading, 0.0
ax.barh(0, loading, left=1200, color="0.5")
for k in range(9):
    for name, colour in (("moving", "C0"), ("overview", "C1"), ("loops", "C2")):
        ax.barh(0, times[name], left=ready, color=colour, label=name if k == 0 else None)
        ready += times[name]
    judged = max(ready, judged)
    ax.barh(1, 120, left=judged, color="C3", edgecolor="w", label="judging" if k == 0 else None)
    judged += 120
ax.barh(1, 900, left=judged, color="0.8")
ax.set_yticks([0, 1], ["microscope", "human"])
ax.set(xlabel="time [s]", xlim=(1000, judged + 300), title="the gaps are where somebody waits")
ax.legend(ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.25), frameon=False)
plt.show()

# %% [markdown]
# ## The bottleneck
#
# Somebody wants to sell you a stage that is twice as fast. Or a scanner. Or a program that judges in half the time. Which one is worth it? Not the one
# that does most work, but the one that stands on the critical path. Halve one time after the other and see:

# %%
gains = {
    name: whole - critical_path(**{**times, name: seconds / 2}) for name, seconds in times.items()
}
for name, gain in gains.items():
    saved = 9 * times[name] / 2
    print(f"{name:>8} twice as fast: {saved:5.0f} s less work, {gain:5.0f} s sooner done")
bottleneck = max(gains, key=gains.get)

# %% [markdown]
# Doubling the speed of the bottleneck hardly ever halves the time: at some point somebody else becomes the bottleneck (that is Amdahl's law of 1967, found for
# computers). And speeding up what is *not* on the critical path shortens it by next to nothing.
#
# ## Hand in

# %%
print(exercise)
answer = exercise.hand_in(
    {
        "best": f"{1e3 * best:.3f} mm",
        "latencies": (moving, scanning, looping),
        "cost": cost,
        "critical_path": whole,
        "bottleneck": bottleneck,
        "gain": gains[bottleneck],
    }
)
exercise.close()
print(answer)

# %% [markdown]
# Now let it be graded:
#
# ```
# spm-auto grade fixed_policy lessons/fixed_policy/answer.json
# ```
#
# ## Your task
#
# Do it again with your own name as `student`: another wafer, other limits, and perhaps another bottleneck. Then answer:
#
# 1. How many loops may a place have before the microscope, not the human, is what everybody waits for (or the other way round)?
# 2. Two humans judge. What does the report gain, and what does it cost?
# 3. Write the plan as a recipe (`docs/surveys.md`), so that nobody has to sit there.
